//! How much of two cores this machine gives now: other work on it makes every figure worse.

import { Worker } from "node:worker_threads";

const SPIN = "const end = performance.now() + 400; while (performance.now() < end);";

/// Cores that two threads get which want one each: close to 2 on a machine that does nothing else.
export async function coresFree() {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const threads = [0, 1].map(() => new Promise((ended) => new Worker(SPIN, { eval: true }).once("exit", ended)));
  await Promise.all(threads);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - began);
}
