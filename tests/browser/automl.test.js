//! AutoML: an own table, a search, its winner on the canvas, and the same on the command line.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipelineJson, shopCsv } from "./data.js";
import { keptSweeps } from "./grown_sweep.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { MILLRACE, ROOT } from "./programs.js";
import { card, chooseFile, finished, metricsOf, nodes, openFile, saved } from "./studio.js";

const PIPELINE = pipelineJson("Returns", { data: ["data.import-file@1"] });
const N_TRIALS = 14;

/// What the browser keeps of the search.
async function kept(page) {
  const [[, kept]] = await page.evaluate(keptSweeps);
  return JSON.parse(kept);
}

/// The lines of the leaderboard.
async function board(page) {
  await page.locator("#automl-board tbody tr").first().waitFor();
  await idle(page);
  return page.locator("#automl-board tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText)));
}

/// Axe, in both themes.
async function assertAccessibleInBoth(page, what) {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    await idle(page);
    await assertAccessible(page, `${what}, ${theme}`);
  }
}

scenario("AutoML finds a model of an own table and puts it on the canvas, as the command line does", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openFile(page, "returns.json", PIPELINE);
  await card(page, "data").click();
  const csv = shopCsv(400);
  await chooseFile(page, "shop.csv", csv, () => page.locator('[data-param="file"] button').first().click());
  await saved(page);
  const address = page.url();

  // Nothing has run: AutoML needs no more than the table.
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  await page.getByRole("button", { name: "AutoML", exact: true }).click();
  await page.locator("#automl-start").waitFor();
  const targets = page.locator("#automl-target");
  if ((await targets.locator("option", { hasText: "returned" }).count()) > 0) {
    await targets.selectOption("returned");
  }
  await assertAccessibleInBoth(page, "the form of AutoML");
  await page.locator("#automl-trials").fill("many");
  await page.getByText('trials: "many" is no whole number').waitFor();
  assert.ok(await page.locator("#automl-start").isDisabled());
  await page.locator("#automl-trials").fill(String(N_TRIALS));
  await page.locator("#automl-folds").fill("4");
  await page.locator("#automl-workers").fill("2");
  await page.locator("#automl-start").click();
  await page.locator("#sweep-state", { hasText: /^over:/ }).waitFor({ timeout: 120_000 });
  await page.locator(".automl__verdict").waitFor({ timeout: 60_000 });
  const shown = await board(page);
  const learners = shown.map(([learner]) => learner).filter((learner) => learner !== "Ensemble");
  assert.deepEqual(
    [...learners].sort(),
    ["Boosted Decision Tree", "Constant Baseline", "Decision Forest", "Decision Tree", "Logistic Regression", "k-Nearest Neighbours"],
  );
  const baseline = shown.find(([learner]) => learner === "Constant Baseline");
  assert.equal(Number(baseline[1]), 0.5, "whoever says the same of all rows ranks by chance");

  await assertAccessibleInBoth(page, "the results of AutoML");

  // It is all there after a reload.
  await page.goto("about:blank");
  await page.goto(address);
  await card(page, "data").waitFor();
  await idle(page);
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  assert.deepEqual(await board(page), shown);
  await page.locator(".automl__verdict").waitFor();

  // The winner becomes an ordinary pipeline, in one step.
  const search = await kept(page);
  await page.locator(".automl__acts .button--primary").click();
  await card(page, "evaluate-model").waitFor();
  await finished(page);
  const placed = await nodes(page);
  assert.ok(placed.includes("split-data") && placed.includes("score-model"), placed.join(", "));
  const figures = await metricsOf(page, "evaluate-model");
  await page.keyboard.press("Control+z");
  await idle(page);
  assert.deepEqual(await nodes(page), ["data"]);

  // The command line makes the same trials, the same ensemble and the same figures.
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  const [file, data, out] = ["returns.json", "shop.csv", "winner.json"].map((name) => join(folder, name));
  writeFileSync(file, PIPELINE);
  writeFileSync(data, csv);
  const asked = ["automl", file, "--data", `data=${data}`, "--target", "returned", "--trials", String(N_TRIALS), "--folds", "4"];
  const run = (args) => spawnSync(MILLRACE, args, { cwd: ROOT, encoding: "utf8" });
  const program = run([...asked, "--jobs", "2", "--out", out, "--json"]);
  assert.equal(program.status, 0, program.stderr);
  const there = JSON.parse(program.stdout);
  const plain = (settings) =>
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value === "None" ? null : Object.values(value)[0]]));
  const done = search.study.trials.filter(({ state }) => state === "done");
  const givenUp = search.study.trials.filter(({ state }) => state === "stopped-early");
  assert.ok(givenUp.length > 0 && givenUp.every(({ number, intermediate }) => number >= learners.length && intermediate.length < 4));
  assert.equal(givenUp.length, there.given_up);
  const trials = done.map(({ number, settings, values }) => ({ trial: number, value: values[0], settings: plain(settings) }));
  const inOrder = there.leaderboard.map(({ trial, value, settings }) => ({ trial, value, settings })).sort((a, b) => a.trial - b.trial);
  assert.deepEqual(trials, inOrder);
  const { members, value, gain, standard_error } = search.automl.blend;
  assert.deepEqual(
    { members: members.map(({ trial, weight }) => ({ trial, weight })), value, gain, standard_error },
    {
      members: there.ensemble.members,
      value: there.ensemble.value,
      gain: there.ensemble.gain,
      standard_error: there.ensemble.standard_error,
    },
  );
  assert.equal(figures.AUC, there.test.auc.toFixed(3), "in the page");
  const checked = run(["test", out, "--data", `data=${data}`, "--assert", `evaluate-model.auc >= ${there.test.auc}`]);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

scenario("AutoML says what is wrong with a question before it searches", async (profile) => {
  const { page } = profile;
  await open(profile);
  const rows = ["a,b", ...Array.from({ length: 40 }, (_, row) => `${row},same`)].join("\n");
  await openFile(page, "same.json", pipelineJson("Same", { data: ["data.enter-data@1", { data: rows }] }));
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  await page.getByRole("button", { name: "AutoML", exact: true }).click();
  await page.locator("#automl-target option", { hasText: "b ·" }).waitFor({ state: "attached" });
  await page.locator("#automl-target").selectOption("b");
  await page.locator("#automl-start").click();
  await page.locator(".toast", { hasText: '"b" has 1 value' }).waitFor();
  assert.ok(await page.locator("#automl-start").isEnabled(), "it can be asked again");
});
