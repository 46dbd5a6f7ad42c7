//! How long the page's own thread is busy, through the DevTools protocol.
//!
//! A task is one `RunTask` of the renderer's main thread, by the clock on the
//! wall: from the moment that the browser begins to serve an event, a timer, a
//! message or a frame until it is free for the next. Script, style, layout,
//! paint and commit all happen inside tasks. A frame's work is all of them
//! between the start of one main-thread frame (`BeginMainThreadFrame`) and of
//! the next, a task that spans both counted in each for its part.

const CATEGORIES = ["disabled-by-default-devtools.timeline", "disabled-by-default-devtools.timeline.frame"];

/// Traces what `action` does: `tasks`, every task, and `frames`, the work of
/// each frame, both in milliseconds, largest first.
export async function trace(page, action) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: CATEGORIES });
  let recording;
  const outcome = await action().finally(() => {
    recording = browser.stopTracing();
  });
  const { traceEvents } = JSON.parse((await recording).toString("utf8"));
  const onThread = busiest(traceEvents);
  const tasks = onThread.filter(isTask).map((event) => ({ start: event.ts, end: event.ts + event.dur }));
  const frameStarts = onThread.filter((event) => event.name === "BeginMainThreadFrame").map((event) => event.ts);
  frameStarts.sort((a, b) => a - b);
  if (tasks.length === 0) {
    throw new Error("the trace has no tasks: nothing was measured");
  }
  const frames = frameStarts.slice(1).map((end, i) => workBetween(tasks, frameStarts[i], end));
  const descending = (a, b) => b - a;
  return {
    outcome,
    tasks: tasks.map(({ start, end }) => (end - start) / 1_000).sort(descending),
    frames: frames.map((micros) => micros / 1_000).sort(descending),
  };
}

/// The value that a share of all do not exceed, of values sorted largest first.
export function quantile(descending, share) {
  if (descending.length === 0) {
    throw new Error("there are no values: nothing was measured");
  }
  return descending[Math.min(descending.length - 1, Math.floor(descending.length * (1 - share)))];
}

/// The events of the page's main thread: of all renderers, the one that did most.
function busiest(events) {
  const work = new Map();
  const thread = ({ pid, tid }) => `${pid} ${tid}`;
  for (const event of events) {
    if (event.name === "thread_name" && event.args.name === "CrRendererMain") {
      work.set(thread(event), 0);
    }
  }
  for (const event of events.filter(isTask)) {
    if (work.has(thread(event))) {
      work.set(thread(event), work.get(thread(event)) + event.dur);
    }
  }
  const [most] = [...work].sort(([, left], [, right]) => right - left)[0] ?? [];
  return events.filter((event) => thread(event) === most);
}

function isTask(event) {
  return event.ph === "X" && event.dur > 0 && event.name === "RunTask";
}

function workBetween(tasks, from, to) {
  return tasks.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
}
