//! How long the page's own thread is busy, through the DevTools protocol.

const CATEGORIES = ["disabled-by-default-devtools.timeline", "disabled-by-default-devtools.timeline.frame"];

/// Traces what `action` does and says how long the page's thread worked:
/// `tasks`, every task, and `frames`, the work between one frame and the next,
/// both in milliseconds, largest first.
export async function trace(page, action) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: CATEGORIES });
  let recording;
  const outcome = await action().finally(() => {
    recording = browser.stopTracing();
  });
  const recorded = await recording;
  const { traceEvents } = JSON.parse(recorded.toString("utf8"));
  const onThread = busiest(traceEvents);
  const tasks = onThread.filter(isTask).map((event) => ({ start: event.ts, end: event.ts + event.dur }));
  const frameStarts = onThread.filter((event) => event.name === "BeginMainThreadFrame").map((event) => event.ts);
  const frames = frameStarts.slice(1).map((end, i) => workBetween(tasks, frameStarts[i], end));
  const descending = (a, b) => b - a;
  return {
    outcome,
    tasks: tasks.map(({ start, end }) => (end - start) / 1_000).sort(descending),
    frames: frames.map((micros) => micros / 1_000).sort(descending),
  };
}

/// The value that 95 of 100 do not exceed, of values sorted largest first.
export function p95(descending) {
  return descending[Math.floor(descending.length * 0.05)] ?? 0;
}

/// The events of the page's main thread: of all renderers, the one that did most.
function busiest(events) {
  const mains = events
    .filter((event) => event.name === "thread_name" && event.args.name === "CrRendererMain")
    .map(({ pid, tid }) => events.filter((event) => event.pid === pid && event.tid === tid && event.ph !== "M"));
  const work = (thread) => thread.filter(isTask).reduce((sum, event) => sum + event.dur, 0);
  return mains.sort((a, b) => work(b) - work(a))[0] ?? [];
}

function isTask(event) {
  return event.ph === "X" && event.dur > 0 && event.name === "RunTask";
}

function workBetween(tasks, from, to) {
  return tasks.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
}
