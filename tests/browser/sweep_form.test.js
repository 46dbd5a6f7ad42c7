//! What a sweep can be asked: distributions, conditions, policies, limits, two objectives, and changes on the way.

import assert from "node:assert/strict";
import { pipelineJson } from "./data.js";
import { keptSweeps } from "./grown_sweep.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { keptTrials, onTheWay } from "./kept_runs.js";
import { card, openFile, openQuestion, param, runAll } from "./studio.js";

const sweeps = (page) => page.getByRole("button", { name: "Sweeps", exact: true }).click();
const row = (page, name) => page.locator(`[data-sweep-param="${name}"]`);
const fill = (page, name, value) => page.locator(`#sweep-${name}`).fill(String(value));
const choose = (page, name, value) => page.locator(`#sweep-${name}`).selectOption(value);

/// The values of a select.
const options = (select) => select.locator("option").evaluateAll((options) => options.map((option) => option.value));

/// Switches a parameter on and says how it is spread, and over what.
async function vary(page, name, how, fields = {}) {
  await row(page, name).getByRole("checkbox").check();
  if (how) {
    await row(page, name).getByLabel(/^How/).selectOption(how);
  }
  for (const [label, value] of Object.entries(fields)) {
    await row(page, name).getByLabel(new RegExp(`^${label} `)).fill(String(value));
  }
}

async function start(page) {
  await page.locator("#sweep-start").click();
  await page.locator("#sweep-state, .sweeps__progress").first().waitFor();
}

async function over(page) {
  await page.locator("#sweep-state", { hasText: /^over:/ }).waitFor({ timeout: 90_000 });
  await idle(page);
  return page.locator("#sweep-state").innerText();
}

/// The sweep as the browser keeps it.
async function kept(page) {
  await idle(page);
  const [[, kept]] = await page.evaluate(keptSweeps);
  return JSON.parse(kept).study;
}

const value = (setting) => Object.values(setting)[0];

/// A learner judged by cross-validation with five folds.
function crossed(learner, dataset = "breast-cancer") {
  return pipelineJson(
    "Judged by folds",
    {
      data: ["data.sample-datasets@1", { dataset }],
      learner,
      judge: ["evaluate.cross-validate-model@1", { n_folds: 5 }],
    },
    { "judge.table": "data.table", "judge.learner": "learner.learner" },
  );
}

async function openCrossed(profile, learner, dataset) {
  const { page } = profile;
  await open(profile);
  await openFile(page, "folds.json", crossed(learner, dataset));
  await runAll(page);
  return page;
}

scenario("parameters are swept from their fields in the inspector, with the keyboard", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  for (const name of ["n_trees", "max_depth"]) {
    await page.getByRole("button", { name: "Design", exact: true }).click();
    await card(page, "forest").click();
    const button = param(page, name, ".field__sweep");
    assert.match(await button.getAttribute("aria-label"), /^Sweep .+: try many values$/);
    await button.focus();
    await page.keyboard.press("Enter");
    if (name === "n_trees") {
      // Nothing has run yet: what was asked for waits until the form is there.
      await page.getByRole("button", { name: "Run the pipeline" }).click();
    }
    await page.locator("#sweep-start").waitFor();
    await idle(page);
    const box = row(page, `forest.${name}`).getByRole("checkbox");
    assert.ok(await box.isChecked(), `${name} is not switched on`);
    assert.ok(await box.evaluate((box) => box === document.activeElement), `${name} has not the focus`);
  }
  assert.ok(await row(page, "forest.n_trees").getByRole("checkbox").isChecked(), "the first is off again");
  // What reads and what judges is not for varying.
  await page.getByRole("button", { name: "Design", exact: true }).click();
  await card(page, "data").click();
  await param(page, "n_rows").waitFor();
  assert.equal(await page.locator(".inspector .field__sweep, [data-region=inspector] .field__sweep").count(), 0);
});

scenario("every distribution is offered where the parameter admits it, and means what the schema says", async (profile) => {
  const page = await openCrossed(profile, ["learn.logistic-regression@1"]);
  await sweeps(page);
  await row(page, "learner.l2_weight").getByRole("checkbox").check();
  const numbers = ["uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal", "qlognormal"];
  assert.deepEqual(await options(row(page, "learner.l2_weight").getByLabel(/^How/)), [...numbers, "choice"]);
  const cases = [
    ["uniform", { Smallest: 1, Largest: 2 }, { uniform: { min_value: 1, max_value: 2 } }],
    ["quniform", { Smallest: 1, Largest: 2, "Step of": 0.25 }, { quniform: { min_value: 1, max_value: 2, q: 0.25 } }],
    ["loguniform", { Smallest: 1, Largest: 2 }, { loguniform: { min_value: 0, max_value: Math.LN2 } }],
    ["qloguniform", { Smallest: 1, Largest: 2, "Step of": 0.5 }, { qloguniform: { min_value: 0, max_value: Math.LN2, q: 0.5 } }],
    ["normal", { Middle: 5, "Spread of": 0.5 }, { normal: { mu: 5, sigma: 0.5 } }],
    ["qnormal", { Middle: 5, "Spread of": 0.5, "Step of": 0.5 }, { qnormal: { mu: 5, sigma: 0.5, q: 0.5 } }],
    ["lognormal", { Middle: 1, "Spread of": 2 }, { lognormal: { mu: 0, sigma: Math.LN2 } }],
    ["qlognormal", { Middle: 2, "Spread of": 2, "Step of": 1 }, { qlognormal: { mu: Math.LN2, sigma: Math.LN2, q: 1 } }],
    ["choice", { "Values of": "0.5, 2" }, { choice: { values: [0.5, 2] } }],
  ];
  for (const [how, fields, expected] of cases) {
    await vary(page, "learner.l2_weight", how, fields);
    await fill(page, "trials", 1);
    await start(page);
    await over(page);
    const study = await kept(page);
    const found = study.space.dimensions[0].distribution;
    if (how === "choice") {
      found.choice.values = found.choice.values.map(value);
    }
    const [[name, parts]] = Object.entries(expected);
    assert.deepEqual(Object.keys(found), [name]);
    for (const [part, number] of Object.entries(parts)) {
      const close = typeof number === "number" ? Math.abs(found[name][part] - number) < 1e-12 : true;
      assert.ok(close, `${name}.${part} is ${found[name][part]}, not ${number}`);
    }
    assert.deepEqual(how === "choice" && found.choice.values, how === "choice" && expected.choice.values);
    await page.locator("#sweep-new").click();
  }
  // What makes no sense is said at once.
  await vary(page, "learner.l2_weight", "loguniform", { Smallest: 0 });
  await page.getByText("factors begin above 0").waitFor();
  assert.ok(await page.locator("#sweep-start").isDisabled());
  await vary(page, "learner.l2_weight", "uniform", { Smallest: -1, Largest: 2 });
  await page.getByText("-1 to 2 may be drawn").waitFor();
  assert.ok(await page.locator("#sweep-start").isDisabled());
});

scenario("trials that do badly are given up on their way, the same on one worker and on two", async (profile) => {
  const page = await openCrossed(profile, ["learn.decision-tree@1"]);
  const found = [];
  for (const workers of [1, 2]) {
    await sweeps(page);
    await page.locator("#sweep-start").waitFor();
    await vary(page, "learner.max_depth", "choice", { "Values of": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12" });
    await choose(page, "policy", "truncation");
    await fill(page, "percentage", 0);
    await page.getByText("`truncation_percentage` is 0").waitFor();
    await fill(page, "percentage", 50);
    await fill(page, "delay", 2);
    await fill(page, "trials", 12);
    await fill(page, "workers", workers);
    await start(page);
    await over(page);
    const shown = page.locator('tr[data-state="stopped early"]').first();
    assert.match(await shown.innerText(), /stopped early[\s\S]*at interval \d/);
    const study = await kept(page);
    found.push(study.trials.map(({ state, settings, intermediate, values }) => ({ state, settings, intermediate, values })));
    await page.locator("#sweep-new").click();
  }
  const stopped = found[0].filter(({ state }) => state === "stopped-early");
  assert.ok(stopped.length >= 2, `${stopped.length} were given up`);
  for (const { intermediate } of stopped) {
    assert.ok(intermediate.length >= 2 && intermediate.length < 5, `it ran ${intermediate.length} of 5 folds`);
  }
  for (const { intermediate } of found[0].filter(({ state }) => state === "done")) {
    assert.equal(intermediate.length, 5);
  }
  assert.deepEqual(found[1], found[0]);
});

scenario("hyperband is offered where folds are judged, and lets few trials run to their end", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await sweeps(page);
  await page.locator("#sweep-start").waitFor();
  assert.deepEqual(await options(page.locator("#sweep-sampler")), ["random", "sobol", "bayesian", "grid"]);
  assert.equal(await page.locator("#sweep-policy").count(), 0);
  await page.getByRole("button", { name: "Design", exact: true }).click();
  await openFile(page, "folds.json", crossed(["learn.decision-tree@1"]));
  await card(page, "judge").waitFor();
  await runAll(page);
  await sweeps(page);
  await vary(page, "learner.max_depth", "quniform", { Smallest: 1, Largest: 30 });
  await choose(page, "sampler", "hyperband");
  assert.equal(await page.locator("#sweep-folds").inputValue(), "5");
  await fill(page, "eta", 1);
  await page.getByText("`eta` is 1").waitFor();
  await fill(page, "eta", 2);
  await fill(page, "trials", 7);
  await start(page);
  await over(page);
  const { trials } = await kept(page);
  const folds = trials.map(({ intermediate }) => intermediate.length);
  const whole = trials.filter(({ state }) => state === "done");
  assert.ok(whole.length >= 1 && whole.length < 7, JSON.stringify(folds));
  assert.ok(whole.every(({ intermediate }) => intermediate.length === 5));
  assert.ok(trials.some(({ state, intermediate }) => state === "stopped-early" && intermediate.length < 5));

  // Every trial is a run, those too that were given up while they waited, with what it came to at each fold.
  const runs = await keptTrials(page);
  assert.deepEqual(runs.map(({ trial }) => trial.number ?? 0), trials.map(({ number }) => number));
  assert.deepEqual(runs.map(onTheWay), trials.map(({ intermediate }) => intermediate));
  const states = { done: "done", "stopped-early": "stopped" };
  assert.deepEqual(runs.map(({ state }) => state), trials.map(({ state }) => states[state]));
  assert.deepEqual(runs.map(({ message = "" }) => message), trials.map(({ reason }) => reason ?? ""));
  const auc = ({ metrics = [] }) => metrics.find(({ name }) => name === "auc")?.value;
  assert.deepEqual(runs.map(auc), trials.map(({ state, values }) => (state === "done" ? values[0] : undefined)));

  // The best ones stand side by side, and their figures on the way over each other.
  await page.locator("#sweep-runs").click();
  await page.locator(".runs__count", { hasText: /^7 of/ }).waitFor();
  const compared = page.locator(".runs__line--selected");
  await compared.nth(whole.length - 1).waitFor();
  assert.equal(await compared.count(), whole.length);
  await search(page, `sweep = ${runs[0].trial.sweep} and state = stopped`);
  await compared.first().waitFor({ state: "detached" });
  const line = page.locator(".runs__line[data-state=stopped]").first();
  const stopped = await line.getAttribute("data-run");
  await line.getByRole("button", { name: /^Compare run/ }).click();
  await page.getByRole("tab", { name: "Curves" }).click();
  await page.getByRole("group", { name: /^Figures on the way/ }).waitFor();
  await page.getByRole("button", { name: "View Figures on the way as a table" }).click();
  const drawn = await page.locator("#runs-page .chart__table tbody tr").count();
  assert.equal(drawn, 5 * whole.length + onTheWay(runs.find(({ id }) => id === stopped)).length);
});

async function search(page, query) {
  const field = page.getByRole("combobox", { name: "Search runs" });
  await field.fill(query);
  await field.press("Escape");
  await idle(page);
}

scenario("a trial over its time is stopped and counted, and the whole sweep ends at its time", async (profile) => {
  const { page } = profile;
  await open(profile);
  const nodes = {
    data: ["data.generate-data@1", { shape: "churn", n_rows: 8000 }],
    clean: ["transform.clean-missing-data@1", { cleaning_mode: "remove-rows" }],
    forest: ["learn.decision-forest@1", { n_trees: 2 }],
    judge: ["evaluate.cross-validate-model@1", { n_folds: 2 }],
  };
  const edges = { "clean.table": "data.table", "judge.learner": "forest.learner", "judge.table": "clean.table" };
  await openFile(page, "slow.json", pipelineJson("Slow", nodes, edges));
  await runAll(page);
  await sweeps(page);
  await vary(page, "forest.n_trees", "choice", { "Values of": "2, 2000" });
  await choose(page, "sampler", "grid");
  await fill(page, "workers", 1);
  await fill(page, "trial-timeout", 1);
  await start(page);
  assert.equal(await over(page), "over: every combination was tried");
  const { trials } = await kept(page);
  assert.deepEqual(trials.map(({ state }) => state), ["done", "failed"]);
  assert.equal(trials[1].failure, "it took longer than the 1 seconds that a trial may take");
  assert.ok(trials[1].elapsed_secs < 8, `it was stopped after ${trials[1].elapsed_secs} s`);
  await page.getByText("it took longer than the 1 seconds").first().waitFor();
  const runs = await keptTrials(page);
  assert.deepEqual(runs.map(({ state }) => state), ["done", "failed"]);
  assert.deepEqual([runs[1].message, onTheWay(runs[1]).length], [trials[1].failure, trials[1].intermediate.length]);

  await page.locator("#sweep-new").click();
  await vary(page, "forest.n_trees", "quniform", { Smallest: 100, Largest: 200 });
  await choose(page, "sampler", "random");
  await fill(page, "trial-timeout", "");
  await fill(page, "timeout", 1);
  await fill(page, "trials", 90);
  await start(page);
  assert.equal(await over(page), "over: the 1 seconds are up");
  assert.ok((await kept(page)).trials.length < 90);
});

scenario("a sweep that rests goes on over another space, with more trials", async (profile) => {
  const { page } = profile;
  const crossedPage = await openCrossed(profile, ["learn.decision-tree@1"]);
  await sweeps(crossedPage);
  await vary(page, "learner.max_depth", "quniform", { Smallest: 1, Largest: 4 });
  await choose(page, "sampler", "random");
  await fill(page, "trials", 3);
  await start(page);
  await over(page);
  const before = (await kept(page)).trials;
  // Back and forth changes nothing.
  await page.locator("#sweep-new").click();
  await page.locator("#sweep-back").click();
  await page.locator("#sweep-change").click();
  await assertAccessible(page, "the form of a change");
  assert.equal(await row(page, "learner.max_depth").getByLabel(/^Largest/).inputValue(), "4");
  await vary(page, "learner.max_depth", "quniform", { Smallest: 10, Largest: 20 });
  await vary(page, "learner.min_rows_leaf", "choice", { "Values of": "1, 2, 3" });
  await fill(page, "trials", 8);
  await page.locator("#sweep-start").click();
  await over(page);
  const { trials } = await kept(page);
  assert.equal(trials.length, 8);
  assert.deepEqual(trials.slice(0, 3), before);
  for (const { settings } of trials.slice(3)) {
    const depth = value(settings["learner.max_depth"]);
    assert.ok(depth >= 10 && depth <= 20, `a depth of ${depth}`);
    assert.ok([1, 2, 3].includes(value(settings["learner.min_rows_leaf"])));
  }
});

scenario("two metrics are aimed at, and a setting is varied only where it counts", async (profile) => {
  const page = await openCrossed(profile, ["learn.linear-regression@1"], "diabetes");
  await sweeps(page);
  await choose(page, "objective", "judge/rmse");
  await choose(page, "second", "judge/r2");
  assert.deepEqual(
    [await page.locator("#sweep-goal").inputValue(), await page.locator("#sweep-second-goal").inputValue()],
    ["lower", "higher"],
  );
  // The penalty counts with some methods alone, so it is not offered before that is varied.
  assert.ok(await row(page, "learner.l1_weight").isHidden());
  await vary(page, "learner.solution_method", null, { "Values of": "ordinary-least-squares, elastic-net" });
  await vary(page, "learner.l1_weight", "uniform", { Smallest: 0.1, Largest: 0.9 });
  const when = row(page, "learner.l1_weight").getByLabel(/^When/);
  assert.equal(await when.inputValue(), "when learner.solution_method");
  await fill(page, "trials", 10);
  await assertAccessible(page, "the form with a condition");
  await start(page);
  await over(page);
  const study = await kept(page);
  assert.deepEqual(study.objectives, [{ metric: "rmse", goal: "minimize" }, { metric: "r2", goal: "maximize" }]);
  const done = study.trials.filter(({ state }) => state === "done");
  assert.ok(done.length >= 8, JSON.stringify(study.trials.map(({ failure }) => failure)));
  assert.ok(done.every(({ values }) => values.length === 2 && values[0] > values[1]));
  const counts = ({ settings }) => value(settings["learner.solution_method"]) === "elastic-net";
  assert.ok(study.trials.some(counts) && !study.trials.every(counts));
  for (const trial of study.trials) {
    assert.equal("learner.l1_weight" in trial.settings, counts(trial), JSON.stringify(trial.settings));
  }
});

scenario("how long a trial takes is measured with one worker and with several", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, "Can a straight line split the moons?");
  await runAll(page);
  await sweeps(page);
  await vary(page, "forest.n_trees", "quniform", { Smallest: 10, Largest: 60 });
  await fill(page, "workers", 3);
  await page.locator(".sweeps__count", { hasText: "at the pace so far" }).waitFor();
  await page.locator("#sweep-measure").click();
  await page.locator("#sweep-pace", { hasText: /^1 worker: .+ a trial · 3 workers: .+ a trial, (\d.\d times as fast|no faster|slower)$/ }).waitFor({ timeout: 60_000 });
  await page.locator(".sweeps__count", { hasText: "as measured" }).waitFor();
  await idle(page);
  await assertAccessible(page);

  await fill(page, "workers", 2);
  await page.locator(".sweeps__count", { hasText: "at the pace so far" }).waitFor();
  await vary(page, "forest.n_trees", "choice", { "Values of": "12" });
  await page.locator("#sweep-measure").click();
  await page.getByText("There is only one combination to try").first().waitFor();

  await vary(page, "forest.n_trees", "quniform", { Smallest: 10, Largest: 60 });
  await start(page);
  await over(page);
  assert.match(await page.locator(".sweeps").innerText(), /2 workers, [\d.]+ MB of memory each at most/);
});
