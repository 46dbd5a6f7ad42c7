//! One run on several workers: the figures of one, also when a helper is lost on the way.

import assert from "node:assert/strict";
import { pipelineJson } from "./data.js";
import { open, scenario } from "./harness.js";
import { finished, inState, metricsOf, openFile, states } from "./studio.js";

const FOLDS = pipelineJson(
  "Folds",
  {
    data: ["data.generate-data@1", { shape: "churn", n_rows: 8000 }],
    clean: ["transform.clean-missing-data@1", { cleaning_mode: "remove-rows" }],
    forest: ["learn.decision-forest@1", { n_trees: 120 }],
    validate: ["evaluate.cross-validate-model@1", { n_folds: 6 }],
    train: ["train.train-model@1"],
    score: ["score.score-model@1"],
    evaluate: ["evaluate.evaluate-model@1"],
  },
  {
    "clean.table": "data.table",
    "validate.learner": "forest.learner",
    "validate.table": "clean.table",
    "train.learner": "forest.learner",
    "train.table": "clean.table",
    "score.model": "train.model",
    "score.table": "clean.table",
    "evaluate.scored": "score.scored",
  },
);

/// Begins a run on so many workers with an engine that has computed nothing yet.
async function begin(profile, nWorkers) {
  const { page } = profile;
  await page.goto("about:blank");
  await open(profile);
  await page.evaluate((n) => localStorage.setItem("millrace.workers", n), nWorkers);
  await openFile(page, "folds.json", FOLDS);
  // Keeps hold of the helpers that the engine starts.
  await page.workers()[0].evaluate(() => {
    const Plain = globalThis.Worker;
    globalThis.started = [];
    // A helper is told the program and an order before its first task.
    const isAtWork = ({ nTold }) => nTold > 2;
    globalThis.atWork = new Promise((resolve) => {
      globalThis.Worker = class extends Plain {
        nTold = 0;
        constructor(...how) {
          super(...how);
          globalThis.started.push(this);
        }
        postMessage(...what) {
          super.postMessage(...what);
          this.nTold += 1;
          if (globalThis.started.filter(isAtWork).length === 2) {
            resolve();
          }
        }
      };
    });
  });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "validate", "running");
}

const nStarted = (page) => page.workers()[0].evaluate(() => globalThis.started.length);

/// What both judges find when all has run.
async function figures(page) {
  await finished(page);
  assert.ok(Object.values(await states(page)).every((state) => state === "ran"), JSON.stringify(await states(page)));
  return [await metricsOf(page, "validate"), await metricsOf(page, "evaluate")];
}

/// Waits until helpers are at work, and does something to one of them.
async function toHelper(page, what) {
  await page.workers()[0].evaluate(() => globalThis.atWork);
  await page.workers()[0].evaluate(what);
}

scenario("a run on several workers gives the figures of one, whoever is lost on the way", async (profile) => {
  const { page } = profile;
  await begin(profile, 1);
  const alone = await figures(page);
  assert.equal(await nStarted(page), 0);

  await begin(profile, 3);
  assert.deepEqual(await figures(page), alone);
  assert.equal(await nStarted(page), 2);

  await begin(profile, 3);
  await toHelper(page, () => {
    globalThis.started[0].terminate();
    globalThis.started[0].dispatchEvent(new ErrorEvent("error", { message: "it broke", cancelable: true }));
  });
  assert.deepEqual(await figures(page), alone);
  assert.equal(await nStarted(page), 3, "another took its place");

  await begin(profile, 3);
  await toHelper(page, () => globalThis.started[1].terminate());
  assert.deepEqual(await figures(page), alone, "one that says nothing is not waited for");
});

scenario("a run on several workers stops at once, and the next one has the same helpers", async (profile) => {
  const { page } = profile;
  await begin(profile, 3);
  await page.workers()[0].evaluate(() => globalThis.atWork);
  await page.getByRole("button", { name: /^Stop/ }).click();
  await inState(page, "validate", "cancelled");
  assert.equal(await page.locator(".banner", { hasText: "engine" }).count(), 0, "the engine was not replaced");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await finished(page);
  assert.equal((await states(page)).validate, "ran");
  assert.equal(await nStarted(page), 2);
});
