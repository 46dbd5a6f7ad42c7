//! One run on several workers: the figures of one, also when a helper is lost on the way.

import assert from "node:assert/strict";
import { pipelineJson } from "./data.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { finished, hasFocus, inState, metricsOf, openFile, openQuestion, runAll, states, tabTo } from "./studio.js";

const FOLDS = pipelineJson(
  "Folds",
  {
    data: ["data.generate-data@1", { shape: "churn", n_rows: 8000 }],
    clean: ["transform.clean-missing-data@1", { cleaning_mode: "remove-rows" }],
    forest: ["learn.decision-forest@1", { n_trees: 60 }],
    validate: ["evaluate.cross-validate-model@1", { n_folds: 12 }],
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
  // A number that the menu need not offer on this machine.
  await page.evaluate((n) => localStorage.setItem("millrace.workers", n), nWorkers);
  await page.reload();
  await idle(page);
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

  await page.getByRole("button", { name: "Runs", exact: true }).click();
  await page.locator("[data-run]").first().getByRole("button", { name: /Compare run/ }).click();
  await page.getByRole("tab", { name: "Timeline" }).click();
  const worker = (title) => page.locator(".runs__gantt tr", { hasText: title }).locator(".runs__worker").innerText();
  assert.equal(await worker("Cross Validate Model"), "1–3", "whoever computed a fold is named");
  assert.equal(await worker("Generate Data"), "", "what was reused was computed by nobody");
});

scenario("how many workers compute a run is chosen beside Run, measured, and remembered, by keyboard alone", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  const button = page.getByRole("button", { name: /^Compute: / });
  await tabTo(page, button);
  await page.keyboard.press("Enter");
  const menu = page.getByRole("dialog", { name: "Compute" });
  const workers = menu.getByRole("group", { name: "Compute" });
  assert.ok(await hasFocus(workers.getByRole("radio", { checked: true })), "what is chosen has the focus");
  await assertAccessible(page, "the menu of workers");
  for (let step = 0; (await workers.getByRole("radio", { checked: true }).getAttribute("value")) !== "1"; step += 1) {
    assert.ok(step < 10, "one worker is offered");
    await page.keyboard.press("ArrowUp");
  }
  assert.ok(await hasFocus(menu.getByRole("radio", { name: /^1 worker/ })));

  await tabTo(page, menu.getByRole("button", { name: "Measure on this machine" }));
  await page.keyboard.press("Enter");
  await menu.getByRole("button", { name: "Stop" }).waitFor();
  await menu.locator("#run-pace", { hasText: /^1 worker: [\d.]+ m?s · \d+ workers: [\d.]+ m?s, (\d.\d times as fast|no faster|slower)$/ }).waitFor();
  await idle(page);
  assert.ok(Object.values(await states(page)).every((state) => state === "idle"), "nothing here has run");

  await page.keyboard.press("Escape");
  assert.equal(await menu.isVisible(), false);
  assert.ok(await hasFocus(button));
  assert.equal(await button.getAttribute("aria-label"), "Compute: 1 worker");
  await page.reload();
  await idle(page);
  assert.equal(await button.getAttribute("aria-label"), "Compute: 1 worker", "the browser remembers it");
  await runAll(page);
  await button.click();
  await menu.getByRole("button", { name: "Measure on this machine" }).click();
  await menu.getByRole("button", { name: "Stop" }).click();
  await idle(page);
  assert.equal(await menu.locator("#run-pace").innerText(), "", "a measurement that was stopped says nothing");
  assert.equal(await page.locator(".toast").count(), 0);
});
