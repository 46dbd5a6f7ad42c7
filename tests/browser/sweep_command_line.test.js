//! A sweep in the page and the same one on the command line.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptSweeps } from "./grown_sweep.js";
import { idle, open, scenario } from "./harness.js";
import { MILLRACE, ROOT } from "./programs.js";
import { openQuestion, runAll } from "./studio.js";


/// Every trial of the sweep that the browser keeps: its settings and the value of the objective, to the last digit.
async function keptTrials(page) {
  const [[, kept]] = await page.evaluate(keptSweeps);
  // A value says what it is: { Int: 7 }, { Text: "gini" }.
  const plain = (settings) => Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, Object.values(value)[0]]));
  return JSON.parse(kept).study.trials.map(({ settings, values }) => ({ settings: plain(settings), value: values[0] }));
}

scenario("the command line reproduces a sweep of the page, trial by trial", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  await page.locator("#sweep-start").waitFor();
  for (const [name, ...bounds] of [["forest.n_trees", "4", "40"], ["logistic.l2_weight", "0.001", "10"], ["forest.criterion"], ["forest.max_depth", "2", "12"]]) {
    const row = page.locator(`[data-sweep-param="${name}"]`);
    await row.getByRole("checkbox").check();
    for (const [at, bound] of bounds.entries()) {
      await row.getByLabel([/^Smallest/, /^Largest/][at]).fill(bound);
    }
  }
  await page.locator("#sweep-sampler").selectOption("bayesian");
  await page.locator("#sweep-trials").fill("16");
  await page.locator("#sweep-seed").fill("7");
  await page.locator("#sweep-workers").fill("2");
  await page.locator("#sweep-start").click();
  await page.locator("#sweep-state", { hasText: /^over:/ }).waitFor({ timeout: 90_000 });
  await idle(page);
  const inPage = await keptTrials(page);

  const space = join(mkdtempSync(join(tmpdir(), "millrace-")), "space.yaml");
  writeFileSync(
    space,
    `type: sweep
sampling_algorithm: { type: bayesian, seed: 7 }
search_space:
  forest.n_trees: { type: qloguniform, min_value: ${Math.log(4)}, max_value: ${Math.log(40)}, q: 1 }
  forest.max_depth: { type: quniform, min_value: 2, max_value: 12, q: 1 }
  forest.criterion: { type: choice, values: [gini, entropy] }
  logistic.l2_weight: { type: loguniform, min_value: ${Math.log(0.001)}, max_value: ${Math.log(10)} }
objective: { primary_metric: evaluate.auc, goal: maximize }
limits: { max_total_trials: 16 }
`,
  );
  for (const jobs of ["1", "2"]) {
    const asked = ["sweep", "public/gallery/churn.json", "--space", space, "--jobs", jobs, "--json"];
    const program = spawnSync(MILLRACE, asked, { cwd: ROOT, encoding: "utf8" });
    assert.equal(program.status, 0, program.stderr);
    const trials = JSON.parse(program.stdout).trials.map(({ settings, metrics }) => ({ settings, value: metrics["evaluate.auc"] }));
    assert.equal(trials.length, 16);
    assert.deepEqual(inPage, trials, `with --jobs ${jobs}`);
  }
});
