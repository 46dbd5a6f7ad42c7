//! How much of two cores this machine gives now: other work on it makes every figure worse.

import { Worker } from "node:worker_threads";

/// Rounds a millisecond that one core does of the machine on which the bars were set.
const ROUNDS_PER_MS = 200_000;
const SPIN = `
  const [began, batch] = [performance.now(), 100_000];
  let [state, n] = [1, 0];
  while (performance.now() < began + 400) {
    for (let round = 0; round < batch; round += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    }
    n += batch;
  }
  // Told with the count, so that the loop cannot be left out.
  require("node:worker_threads").parentPort.postMessage({ n, state, ms: performance.now() - began });
`;

/// Cores of that machine that two threads get which want one each: 2 or more on one as fast that does nothing else.
export async function coresFree() {
  const rounds = [0, 1].map(() => new Promise((told, refused) => {
    new Worker(SPIN, { eval: true }).once("message", ({ n, ms }) => told(n / ms)).once("error", refused);
  }));
  return (await Promise.all(rounds)).reduce((sum, each) => sum + each) / ROUNDS_PER_MS;
}
