//! Hyperparameter sweeps: set up, run on several workers, killed and resumed, promoted and undone.

import assert from "node:assert/strict";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { keptTrials } from "./kept_runs.js";
import { card, openQuestion, param, runAll, saved } from "./studio.js";

/// Opens the page of sweeps with two settings of the forest to vary.
async function setUp(page, { trials = 12, seed = 42, workers = 2, trees = ["4", "40"] } = {}) {
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  await page.locator("#sweep-start").waitFor();
  await vary(page, "forest.n_trees", ...trees);
  await vary(page, "forest.max_depth", "2", "12");
  await page.locator("#sweep-trials").fill(String(trials));
  await page.locator("#sweep-seed").fill(String(seed));
  await page.locator("#sweep-workers").fill(String(workers));
}

async function vary(page, name, low, high) {
  const row = page.locator(`[data-sweep-param="${name}"]`);
  await row.getByRole("checkbox").check();
  await row.getByLabel(/^Smallest/).fill(low);
  await row.getByLabel(/^Largest/).fill(high);
}

/// The trials that the table shows, by number: state and settings.
async function trials(page) {
  const rows = await page.evaluate(() =>
    [...document.querySelectorAll("tr[data-trial]")].map((row) => [
      Number(row.dataset.trial),
      row.dataset.state,
      row.cells[1].textContent,
      row.cells[4].textContent,
      row.cells[3].textContent,
    ]),
  );
  return rows.sort((one, other) => one[0] - other[0]);
}

async function over(page) {
  await page.locator("#sweep-state", { hasText: /^over:/ }).waitFor({ timeout: 90_000 });
  await idle(page);
}

async function forest(page) {
  await page.getByRole("button", { name: "Design", exact: true }).click();
  await card(page, "forest").click();
  return param(page, "n_trees", 'input[type="number"]').inputValue();
}

/// Whether the browser holds three trials that are done: what was shown a moment ago may still be on its way there.
function threeAreKept() {
  return new Promise((answer) => {
    const opening = indexedDB.open("millrace-sweeps");
    opening.onsuccess = () => {
      const reading = opening.result.transaction("trials").objectStore("trials").getAll();
      reading.onsuccess = () => {
        opening.result.close();
        answer(reading.result.filter((row) => JSON.parse(row).state === "done").length >= 3);
      };
    };
  });
}

/// Takes the last run of a trial from what the browser keeps; gives how many there were.
function loseLastRun() {
  return new Promise((answer, fail) => {
    const opening = indexedDB.open("millrace-runs");
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(["runs", "index"], "readwrite");
      const reading = transaction.objectStore("runs").getAll();
      let trials = [];
      reading.onsuccess = () => {
        trials = reading.result.map((text) => JSON.parse(text)).filter(({ trial }) => trial);
        const [last] = trials.sort((one, other) => (one.id < other.id ? 1 : -1));
        if (last) {
          transaction.objectStore("runs").delete(`runs/${last.id}.json`);
          transaction.objectStore("index").delete(last.id);
        }
      };
      transaction.oncomplete = () => {
        opening.result.close();
        answer(trials.length);
      };
      transaction.onabort = () => fail(transaction.error);
    };
  });
}

scenario("a sweep whose tab was killed goes on, and its best trial is promoted and taken back", async (profile) => {
  const { page, context } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await saved(page);
  const address = page.url();
  const other = await context.newPage();
  await open({ ...profile, page: other });
  await page.bringToFront();
  // Enough trees that a quick machine, too, is still at it when it is interrupted.
  await setUp(page, { trees: ["1000", "2000"] });
  await page.locator("#sweep-start").click();
  await page.locator('tr[data-trial][data-state="done"]').nth(2).waitFor();
  await page.waitForFunction(threeAreKept);
  // Whatever the page was doing ends at once, at the worst moment: a trial was kept, and its run was not.
  await page.goto("about:blank");
  assert.ok((await other.evaluate(loseLastRun)) >= 2, "no run of a trial was kept");
  await other.close();
  await page.goto(address);
  await card(page, "forest").waitFor();
  await idle(page);
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  const state = page.locator("#sweep-state");
  await state.filter({ hasText: /^(paused|over):/ }).waitFor();
  assert.match(await state.innerText(), /^paused: \d+ of 12 done$/, "it was interrupted while under way");
  const before = await trials(page);
  const nDone = before.filter(([, state]) => state === "done").length;
  assert.ok(nDone >= 3 && nDone < 12, `${nDone} of 12 trials were kept`);
  await page.locator("#sweep-resume").click();
  await over(page);
  const after = await trials(page);
  assert.deepEqual(after.map(([number]) => number), [...Array(12).keys()]);
  assert.ok(after.every(([, state]) => state === "done"), JSON.stringify(after));
  assert.equal(new Set(after.map(([, , , trees, depth]) => `${trees}/${depth}`)).size, 12, "settings were repeated");
  for (const [number, state, ...rest] of before.filter(([, state]) => state === "done")) {
    assert.deepEqual(after[number], [number, state, ...rest], "a trial that was done changed");
  }

  // Each trial has one run, also the one whose run was lost.
  const runs = await keptTrials(page);
  assert.deepEqual(runs.map(({ trial }) => trial.number ?? 0), [...Array(12).keys()]);
  assert.ok(runs.every(({ metrics }) => metrics.length > 0), "a run has no figures");

  const best = page.locator(".sweeps__row--best td");
  const promoted = await best.nth(4).innerText();
  await page.locator("#sweep-promote").click();
  await idle(page);
  assert.equal(await forest(page), promoted);
  await page.getByRole("button", { name: "Undo" }).first().click();
  await idle(page);
  assert.equal(await forest(page), "100");
});

scenario("the same seed gives the same trials on one worker and on two", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  const found = [];
  for (const workers of [1, 2]) {
    await setUp(page, { trials: 5, seed: 7, workers });
    await page.locator("#sweep-start").click();
    await over(page);
    found.push(await trials(page));
    await page.locator("#sweep-new").click();
  }
  assert.equal(found[0].length, 5);
  assert.deepEqual(found[1], found[0]);
});

scenario("axe finds nothing on the page of sweeps, in either theme", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
  await page.getByText("A sweep needs something to aim at").waitFor();
  await assertAccessible(page, "the page before a run");
  await page.getByRole("button", { name: "Run the pipeline" }).click();
  await page.locator("#sweep-start").waitFor();
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    await assertAccessible(page, `the form, ${theme}`);
  }
  await setUp(page, { trials: 9 });
  await page.locator("#sweep-start").click();
  await over(page);
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    await idle(page);
    await assertAccessible(page, `the results, ${theme}`);
  }
});
