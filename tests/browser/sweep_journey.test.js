//! A forest is tuned on an own table: a sweep that survives its tab, compared, promoted, and handed on as a link.

import assert from "node:assert/strict";
import { pipelineJson, shopCsv } from "./data.js";
import { idle, open, scenario } from "./harness.js";
import { CLIPBOARD, card, chooseFile, clipboard, openFile, param, runAll, saved } from "./studio.js";

const N_TRIALS = 30;
const sweeps = (page) => page.getByRole("button", { name: "Sweeps", exact: true }).click();

/// Has a trial that is over be under way again in what the browser keeps; runs in the page.
function loseATrial() {
  return new Promise((answer, refuse) => {
    const opening = indexedDB.open("millrace-sweeps");
    opening.onerror = () => refuse(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("trials", "readwrite");
      const walk = transaction.objectStore("trials").openCursor();
      walk.onsuccess = () => {
        const trial = JSON.parse(walk.result.value);
        if (trial.state !== "done") {
          walk.result.continue();
          return;
        }
        walk.result.update(JSON.stringify({ ...trial, state: "running", values: [], metrics: {}, elapsed_secs: null }));
      };
      transaction.onerror = () => refuse(transaction.error);
      transaction.oncomplete = () => {
        opening.result.close();
        answer();
      };
    };
  });
}

/// What the page of runs shows of the compared ones: the heads and the line of the AUC.
async function comparison(page) {
  await page.locator(".runs__results").waitFor();
  await idle(page);
  return page.locator(".runs__results tr").evaluateAll((rows) =>
    rows.map((row) => row.innerText.trim()).filter((text) => /^(AUC|Accuracy|Log loss)/.test(text)),
  );
}

scenario("a forest is tuned on an own table: killed, resumed, compared, promoted, shared", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await open(profile);
  const nodes = {
    data: ["data.import-file@1"],
    split: ["split.split-data@1"],
    forest: ["learn.decision-forest@1", { n_trees: 10 }],
    train: ["train.train-model@1", { target: "returned" }],
    score: ["score.score-model@1"],
    evaluate: ["evaluate.evaluate-model@1"],
  };
  const edges = {
    "split.table": "data.table",
    "train.learner": "forest.learner",
    "train.table": "split.train",
    "score.model": "train.model",
    "score.table": "split.test",
    "evaluate.scored": "score.scored",
  };
  await openFile(page, "returns.json", pipelineJson("Returns", nodes, edges));
  await card(page, "data").click();
  await chooseFile(page, "shop.csv", shopCsv(6_000), () => page.locator('[data-param="file"] button').first().click());
  await idle(page);
  await runAll(page);
  await saved(page);
  const address = page.url();

  await sweeps(page);
  for (const [name, low, high] of [["forest.n_trees", "100", "400"], ["forest.max_depth", "1", "12"]]) {
    const row = page.locator(`[data-sweep-param="${name}"]`);
    await row.getByRole("checkbox").check();
    await row.getByLabel(/^Smallest/).fill(low);
    await row.getByLabel(/^Largest/).fill(high);
  }
  await page.locator("#sweep-trials").fill(String(N_TRIALS));
  await page.locator("#sweep-workers").fill("2");
  await page.locator("#sweep-start").click();
  await page.locator('tr[data-trial][data-state="done"]').nth(3).waitFor();
  // As if the tab had been closed when a trial's run was written and the trial was not.
  await page.evaluate(loseATrial);
  await page.goto("about:blank");
  await page.goto(address);
  await card(page, "forest").waitFor();
  await idle(page);
  await sweeps(page);
  await page.locator("#sweep-state", { hasText: new RegExp(`^paused: \\d+ of ${N_TRIALS} done$`) }).waitFor();
  await page.locator("#sweep-resume").click();
  await page.locator("#sweep-state", { hasText: /^over:/ }).waitFor({ timeout: 120_000 });
  await idle(page);
  const best = page.locator(".sweeps__row--best td");
  const [depth, trees] = [await best.nth(3).innerText(), await best.nth(4).innerText()];

  // Every trial is a run, and one only; the best ones are compared.
  await page.locator("#sweep-runs").click();
  await page.locator(".runs__count", { hasText: new RegExp(`^${N_TRIALS} of`) }).waitFor();
  await page.locator(".runs__count", { hasText: "10 compared" }).waitFor();
  const figures = await page.locator(".runs__line[data-run]").evaluateAll((lines) =>
    lines.map((line) => ({
      auc: Number.parseFloat(line.querySelector('[data-column="metric.auc"]').innerText),
      isCompared: line.classList.contains("runs__line--selected"),
    })),
  );
  const of = (isCompared) => figures.filter((figure) => figure.isCompared === isCompared).map(({ auc }) => auc);
  assert.equal(of(true).length, 10);
  assert.ok(Math.min(...of(true)) >= Math.max(...of(false)), JSON.stringify(figures));
  const here = await comparison(page);
  assert.ok(here.some((line) => line.startsWith("AUC")), JSON.stringify(here));
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.locator(".toast", { hasText: "Link with 10 runs copied" }).waitFor();
  const link = await clipboard(page);
  assert.ok(link.length < 8_000, `${link.length} characters`);
  await page.getByRole("tab", { name: "Curves" }).click();
  const roc = page.locator(".runs__charts .chart").filter({ has: page.getByText("ROC", { exact: true }) });
  await roc.waitFor();
  const looks = await roc.locator(".chart__key").evaluateAll((keys) => keys.map((key) => key.className));
  assert.equal(looks.length, 10, "each trial has its curve");
  assert.equal(new Set(looks).size, 10, "no two look alike");

  // The best settings stand in the pipeline.
  await sweeps(page);
  await page.locator("#sweep-promote").click();
  await idle(page);
  await page.getByRole("button", { name: "Design", exact: true }).click();
  await card(page, "forest").click();
  assert.equal(await param(page, "n_trees", 'input[type="number"]').inputValue(), trees);
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), depth);

  // Another browser shows the same figures, and keeps them only when told to.
  const other = (await profile.newProfile()).page;
  await other.goto(link);
  await other.locator("#runs-guests", { hasText: "10 runs came in the link" }).waitFor();
  assert.deepEqual(await comparison(other), here);
  await other.reload();
  await other.locator("#runs-guests").waitFor();
  await other.locator("#runs-guests").getByRole("button", { name: "Keep" }).click();
  await other.locator(".toast", { hasText: "10 runs kept" }).waitFor();
  await idle(other);
  await other.goto("about:blank");
  await other.goto(link.split("#")[0] + "#runs");
  await other.locator(".runs__count", { hasText: /^10 runs$/ }).waitFor();

  // A link that was cut off says so, and the view opens without its runs.
  const third = (await profile.newProfile()).page;
  await third.goto(link.slice(0, -20));
  await third.getByText(/the runs that it carries cannot be read: it is damaged/).waitFor();
});
