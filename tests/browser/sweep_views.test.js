//! What came of a sweep, seen in several ways: brushed, moved, read as tables, and by those who do not see it.

import assert from "node:assert/strict";
import { grown, keepSweep, keptSweeps } from "./grown_sweep.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { heard, openQuestion, runAll, saved } from "./studio.js";

/// Makes a sweep of three trials, which the browser keeps, grows it there, and opens it.
async function openGrown(profile, nTrials, options) {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await saved(page);
  const address = page.url();
  await sweeps(page);
  for (const [name, low, high] of [["n_trees", "4", "400"], ["max_depth", "2", "12"], ["criterion"]]) {
    const row = page.locator(`[data-sweep-param="forest.${name}"]`);
    await row.getByRole("checkbox").check();
    if (low) {
      await row.getByLabel(/^Smallest/).fill(low);
      await row.getByLabel(/^Largest/).fill(high);
    }
  }
  await page.locator("#sweep-trials").fill("3");
  await page.locator("#sweep-start").click();
  await page.locator("#sweep-state", { hasText: /^over:/ }).waitFor({ timeout: 60_000 });
  await idle(page);
  const [[document, row]] = await page.evaluate(keptSweeps);
  await page.goto("about:blank");
  await open(profile);
  await page.evaluate(keepSweep, [document, grown(row, nTrials, options)]);
  await page.goto("about:blank");
  await page.goto(address);
  await page.locator("[data-node-id]").first().waitFor();
  await idle(page);
  await sweeps(page);
  await page.locator(".parallel__line").first().waitFor();
  await idle(page);
}

async function sweeps(page) {
  await page.getByRole("button", { name: "Sweeps", exact: true }).click();
}

/// Numbers and cells of the trials in the table at the side.
async function listed(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("tr[data-trial]")].map((row) => ({
      number: row.dataset.trial,
      cells: [...row.cells].map((cell) => cell.textContent),
    })),
  );
}

/// Heads and rows of the view's own table.
async function asTable(page, name) {
  const button = page.getByRole("button", { name: `View ${name} as a table` });
  await button.click();
  const table = page.locator("#sweep-view .chart__table table").last();
  await table.waitFor();
  const read = await table.evaluate((table) =>
    [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
  );
  await button.click();
  return { heads: read[0], rows: read.slice(1) };
}

async function count(page) {
  return Number((await page.locator(".parallel__count").innerText()).match(/^(\d+) of/)[1]);
}

scenario("brushing an axis filters the trials, and both tables say the same", async (profile) => {
  const { page } = profile;
  await openGrown(profile, 60);
  assert.equal(await count(page), 60);
  assert.equal((await listed(page)).length, 60);
  assert.match(await page.locator(".sweeps__facts").innerText(), /Best AUC/);

  const depth = await page.locator(".parallel__line").nth(1).boundingBox();
  const at = (share) => [depth.x + 1, depth.y + depth.height * share];
  await page.mouse.move(...at(0.3));
  await page.mouse.down();
  await page.mouse.move(...at(0.5), { steps: 4 });
  await page.mouse.move(...at(0.7), { steps: 4 });
  await page.mouse.up();
  await idle(page);
  const n = await count(page);
  assert.ok(n > 0 && n < 60, `${n} trials are left`);
  const chip = page.locator(".parallel .parallel__chip");
  const [, low, high] = (await chip.innerText()).match(/Maximum depth ([\d.]+) to ([\d.]+)/).map(Number);
  const kept = await listed(page);
  assert.equal(kept.length, n);
  for (const { cells } of kept) {
    assert.ok(Number(cells[4]) >= low && Number(cells[4]) <= high, `${cells[4]} is not from ${low} to ${high}`);
  }
  const { heads, rows } = await asTable(page, "all settings at once");
  assert.deepEqual(heads, ["Trial", "Impurity", "Maximum depth", "Number of trees", "Seconds", "AUC"]);
  assert.deepEqual(rows.map(([number]) => number), kept.map(({ number }) => number));
  assert.deepEqual(rows.map((row) => row[5]), kept.map(({ cells }) => cells[1]));

  // A second axis, by typing; both must hold.
  await page.getByLabel("Axis", { exact: true }).selectOption({ label: "AUC" });
  await page.getByLabel("Smallest AUC").fill("0.8");
  await page.getByLabel("Smallest AUC").press("Enter");
  await idle(page);
  const both = await listed(page);
  assert.ok(both.length > 0 && both.length < n, `${both.length} of ${n} are left`);
  assert.ok(both.every(({ cells }) => Number(cells[1]) >= 0.8));
  assert.equal(await count(page), both.length);

  await chip.first().click();
  await idle(page);
  assert.ok((await listed(page)).length > both.length);
  await page.locator(".parallel__area").press("Escape");
  await idle(page);
  assert.equal((await listed(page)).length, 60);
});

scenario("axes are moved and spread by keyboard, and trials are read with arrow keys", async (profile) => {
  const { page } = profile;
  await openGrown(profile, 20);
  const left = page.getByRole("button", { name: "Move AUC left" });
  for (let step = 0; step < 4; step += 1) {
    await left.focus();
    await page.keyboard.press("Enter");
  }
  assert.deepEqual((await asTable(page, "all settings at once")).heads.slice(0, 3), ["Trial", "AUC", "Impurity"]);

  const spread = page.getByRole("button", { name: /^Number of trees is log/ });
  await spread.focus();
  await page.keyboard.press("Enter");
  const even = page.getByRole("button", { name: /^Number of trees is linear/ });
  await even.waitFor();
  await idle(page);
  assert.ok(await even.evaluate((button) => button === document.activeElement), "the focus was lost");

  await page.locator(".parallel__area").focus();
  await page.keyboard.press("ArrowRight");
  const best = (await listed(page))[0];
  await page.waitForFunction((number) => document.getElementById("announcements").innerText.startsWith(`Trial ${number}: AUC`), best.number);
  await page.keyboard.press("End");
  await page.waitForFunction((number) => !document.getElementById("announcements").innerText.startsWith(`Trial ${number}:`), best.number);
  assert.match(await heard(page), /Maximum depth \d+, Number of trees \d+/);

  // And by dragging its name.
  const name = await page.locator(".parallel__head b", { hasText: "AUC" }).boundingBox();
  const area = await page.locator(".parallel__area").boundingBox();
  await page.mouse.move(name.x + name.width / 2, name.y + name.height / 2);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width - 60, name.y + 5, { steps: 8 });
  await page.mouse.up();
  assert.equal((await asTable(page, "all settings at once")).heads.at(-1), "AUC");
});

scenario("every view has its numbers as a table, and axe finds nothing in any, in either theme", async (profile) => {
  const { page } = profile;
  await openGrown(profile, 80, { nObjectives: 2, nIntervals: 5 });
  const all = await listed(page);
  const done = all.filter(({ cells }) => cells[3] === "done");
  assert.ok(done.length < all.length, "none was stopped early");
  const views = ["All settings", "Slice", "Contour", "Pareto", "Timeline", "On the way"];
  assert.deepEqual(await page.locator("[id^=sweep-tab-]").allTextContents(), views);
  for (const view of views) {
    await page.getByRole("tab", { name: view, exact: true }).click();
    await idle(page);
    for (const theme of ["light", "dark"]) {
      await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
      await idle(page);
      await assertAccessible(page, `${view}, ${theme}`);
    }
  }

  const numbers = (rows, at) => rows.map((row) => Number(row[at])).sort((one, other) => one - other);
  const doneNumbers = done.map(({ number }) => Number(number)).sort((one, other) => one - other);
  await page.getByRole("tab", { name: "Slice", exact: true }).click();
  const slice = await asTable(page, "AUC by Maximum depth");
  assert.deepEqual(slice.heads, ["Series", "Maximum depth", "AUC", "trial"]);
  assert.deepEqual(numbers(slice.rows, 3), doneNumbers);
  await page.getByRole("tab", { name: "Contour", exact: true }).click();
  await page.getByRole("combobox", { name: "Across" }).selectOption({ label: "Number of trees" });
  await page.getByRole("combobox", { name: "Up" }).selectOption({ label: "Impurity" });
  const contour = await asTable(page, "AUC over Number of trees and Impurity");
  assert.equal(contour.rows.length, done.length);
  assert.ok(contour.rows.every((row) => ["gini", "entropy"].includes(row[2])), JSON.stringify(contour.rows[0]));
  await page.getByRole("tab", { name: "Pareto", exact: true }).click();
  const pareto = await asTable(page, "Log loss against AUC");
  const front = pareto.rows.filter(([series]) => series === "on the front").map((row) => [Number(row[1]), Number(row[2])]);
  const rest = pareto.rows.filter(([series]) => series === "trials").map((row) => [Number(row[1]), Number(row[2])]);
  assert.equal(front.length + rest.length, done.length);
  assert.ok(front.length > 0);
  for (const [auc, loss] of rest) {
    assert.ok(front.some((other) => other[0] >= auc && other[1] <= loss), `${auc}, ${loss} is surpassed by none`);
  }
  await page.getByRole("tab", { name: "Timeline", exact: true }).click();
  const timeline = await asTable(page, "Trials over time");
  assert.deepEqual(numbers(timeline.rows, 4), all.map(({ number }) => Number(number)).sort((one, other) => one - other));
  assert.deepEqual([...new Set(timeline.rows.map((row) => row[3]))].sort(), ["worker 1", "worker 2"]);
  await page.getByRole("tab", { name: "On the way", exact: true }).click();
  const onTheWay = await asTable(page, "On the way");
  assert.equal(onTheWay.rows.filter(([series]) => series === "stopped here").length, all.length - done.length);
  assert.equal(onTheWay.rows.filter(([series]) => series === "best").length, 5);
});
