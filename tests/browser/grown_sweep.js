//! A sweep that the browser keeps, with more trials than anybody would wait for.

import { generator } from "./bench/inputs.js";

/// Reads the kept sweeps with their trials, by document; runs in the page.
export function keptSweeps() {
  return new Promise((answer, refuse) => {
    const opening = indexedDB.open("millrace-sweeps");
    opening.onerror = () => refuse(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(["sweeps", "trials"]);
      const [sweeps, trials] = ["sweeps", "trials"].map((name) => transaction.objectStore(name));
      const [documents, heads, keys, rows] = [sweeps.getAllKeys(), sweeps.getAll(), trials.getAllKeys(), trials.getAll()];
      transaction.oncomplete = () => {
        opening.result.close();
        const kept = documents.result.map((document, at) => {
          const sweep = JSON.parse(heads.result[at]);
          const own = rows.result.filter((_, row) => keys.result[row][0] === document);
          sweep.study.trials.push(...own.map((row) => JSON.parse(row)));
          return [document, JSON.stringify(sweep)];
        });
        answer(kept);
      };
    };
  });
}

/// Writes a sweep in place of a document's own, with its trials in the same row, as the first version of the page did;
/// runs in the page.
export function keepSweep([document, row]) {
  return new Promise((answer, refuse) => {
    const opening = indexedDB.open("millrace-sweeps");
    opening.onerror = () => refuse(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("sweeps", "readwrite");
      transaction.objectStore("sweeps").put(row, document);
      transaction.onerror = () => refuse(transaction.error);
      transaction.oncomplete = () => {
        opening.result.close();
        answer();
      };
    };
  });
}

/// The sweep with so many trials, made from those that it has: settings between the bounds of the space, a figure that
/// depends on them, and some that were given up on the way.
export function grown(row, nTrials, { nObjectives = 1, nIntervals = 0 } = {}) {
  const sweep = JSON.parse(row);
  const { study } = sweep;
  const [like] = study.trials.filter(({ state }) => state === "done");
  const next = generator(3);
  const dimensions = study.space.dimensions;
  study.objectives = [...study.objectives, { metric: "log_loss", goal: "minimize" }].slice(0, nObjectives);
  study.trials = Array.from({ length: nTrials }, (_, number) => {
    const shares = dimensions.map(() => next());
    const settings = Object.fromEntries(
      dimensions.map(({ name, distribution }, at) => [name, value(distribution, shares[at])]),
    );
    const far = shares.reduce((sum, share, at) => sum + (share - 0.3 - 0.1 * at) ** 2 / (at + 1), 0);
    const figure = 0.86 - 0.2 * far - 0.02 * next();
    const isGivenUp = nIntervals > 0 && figure < 0.75;
    const intermediate = Array.from({ length: isGivenUp ? 2 : nIntervals }, () => figure + 0.02 * (next() - 0.5));
    const values = [figure, 0.4 + 0.3 * far + 0.1 * next() - 0.1 * shares[0]].slice(0, nObjectives);
    return {
      ...like,
      number,
      settings,
      state: isGivenUp ? "stopped-early" : "done",
      intermediate,
      values: isGivenUp ? [] : values,
      started_secs: Math.floor(number / 2) * 1.5 + (number % 2) * 0.2,
      elapsed_secs: 0.4 + shares[0],
      reason: isGivenUp ? "worse than half of the others" : null,
    };
  });
  study.limits.max_total_trials = nTrials;
  sweep.ending = `all ${nTrials} trials are over`;
  return JSON.stringify(sweep);
}

/// A value of a distribution, at a share of its way from the smallest to the largest.
function value(distribution, share) {
  const [[kind, { min_value: low, max_value: high, values }]] = Object.entries(distribution);
  switch (kind) {
    case "choice":
      return values[Math.min(values.length - 1, Math.floor(share * values.length))];
    case "quniform":
      return whole(low + share * (high - low));
    case "qloguniform":
      return whole(Math.exp(low + share * (high - low)));
    case "loguniform":
      return { Float: Math.exp(low + share * (high - low)) };
    case "uniform":
      return { Float: low + share * (high - low) };
    default:
      throw new Error(`no values are made for ${kind}`);
  }
}

const whole = (value) => ({ Int: Math.round(value) });
