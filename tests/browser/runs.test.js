//! Runs: recorded, found again, grouped, compared, and a view of them as a link.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { slowPipeline } from "./data.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { grownRuns, keptFiles } from "./kept_runs.js";
import { CLIPBOARD, clipboard, inState, openFile, openQuestion, runAll, saved, setNumber } from "./studio.js";

/// The lines of the list, from the top: what each cell says, by column.
async function lines(page) {
  await idle(page);
  return page.evaluate(() =>
    [...document.querySelectorAll(".runs__line[data-run]")]
      .sort((a, b) => a.dataset.line - b.dataset.line)
      .map((line) => ({
        run: line.dataset.run,
        state: line.dataset.state,
        cells: Object.fromEntries(
          [...line.querySelectorAll("[data-column]")].map((cell) => [
            cell.dataset.column,
            cell.querySelector("input")?.value ?? cell.innerText,
          ]),
        ),
      })),
  );
}

/// The names of the runs, from the top.
async function names(page) {
  return (await lines(page)).map(({ cells }) => cells.name);
}

async function showRuns(page) {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("button", { name: "Runs" }).click();
  await page.locator("#runs-list, .runs__empty").first().waitFor();
  await idle(page);
}

async function showDesign(page) {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("button", { name: "Design" }).click();
  await page.locator("[data-node-id]").first().waitFor();
  await idle(page);
}

/// Two runs of the gallery's pipeline: as it is, and with another number of trees.
async function runTwice(page) {
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await setNumber(page, "forest", "n_trees", 7);
  await runAll(page);
  await saved(page);
  await showRuns(page);
}

async function search(page, query) {
  const field = page.getByRole("combobox", { name: "Search runs" });
  await field.fill(query);
  await field.press("Escape");
  await idle(page);
}

scenario("every run is recorded, with what was changed and how far it is from the baseline", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const [second, first] = await lines(page);
  assert.deepEqual([first.state, second.state], ["done", "done"]);
  assert.match(second.cells.changed, /100\s*→\s*7/);
  assert.match(first.cells.changed, /first run/);
  assert.match(first.cells.name, /^Run 1$/);
  const auc = ({ cells }) => Number.parseFloat(cells["metric.auc"]);
  assert.ok(auc(first) > 0.5 && auc(first) <= 1, `AUC of the first run is ${auc(first)}`);
  await page.locator(`[data-run="${first.run}"]`).getByRole("button", { name: /Measure others/ }).click();
  const [against] = await lines(page);
  const delta = Number.parseFloat(against.cells["metric.auc"].match(/(?:up|down|▲|▼)\D*([\d.]+)/)?.[1] ?? "0");
  assert.ok(Math.abs(Math.abs(auc(second) - auc(first)) - delta) < 0.0015, `${against.cells["metric.auc"]} against ${auc(first)}`);
});

scenario("a query finds runs, is completed, and says where it is wrong", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const field = page.getByRole("combobox", { name: "Search runs" });
  await search(page, "n_trees = 7");
  assert.equal((await lines(page)).length, 1);
  await search(page, "n_trees = 8");
  assert.equal((await lines(page)).length, 0);
  await page.getByText("No run answers to that").waitFor();
  await field.fill("");
  await field.pressSequentially("n_tr");
  await page.getByRole("option").first().waitFor();
  await field.press("ArrowDown");
  await field.press("Enter");
  assert.match(await field.inputValue(), /n_trees/);
  await search(page, "");
  await search(page, "acu > 0.5");
  await page.getByText(/At 1: no run has "acu"/).waitFor();
  assert.equal((await lines(page)).length, 2, "a query that cannot be read leaves the list as it was");
  await page.getByRole("button", { name: "Use auc" }).click();
  assert.equal(await field.inputValue(), "auc > 0.5");
  assert.equal((await lines(page)).length, 2);
});

scenario("names, tags and the archive are kept, and runs are grouped by a setting", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const [second] = await lines(page);
  const line = page.locator(`[data-run="${second.run}"]`);
  await line.getByRole("textbox", { name: /Name of run/ }).fill("Few trees");
  await line.getByRole("textbox", { name: /Name of run/ }).press("Enter");
  await idle(page);
  await line.getByRole("textbox", { name: /Tags of run/ }).fill("small, for class");
  await line.getByRole("textbox", { name: /Tags of run/ }).press("Enter");
  await idle(page);
  await search(page, 'tag:"for class" and name ~ few');
  assert.deepEqual(await names(page), ["Few trees"]);
  await search(page, "");
  await page.getByRole("combobox", { name: "Group by" }).selectOption({ label: "forest.n_trees" });
  await idle(page);
  const heads = await page.locator(".runs__fold").allInnerTexts();
  assert.deepEqual(heads.map((head) => head.split(/\s+/)[0]).sort(), ["100", "7"]);
  await page.locator(".runs__fold", { hasText: /^100/ }).click();
  assert.deepEqual(await names(page), ["Few trees"]);
  await line.getByRole("button", { name: /^Archive/ }).click();
  await idle(page);
  await search(page, "archived = true");
  assert.deepEqual(await names(page), ["Few trees"]);
  await page.reload();
  await page.locator(`[data-run="${second.run}"]`).waitFor();
  const [restored] = await lines(page);
  assert.deepEqual([restored.cells.name, restored.cells.tag], ["Few trees", "small, for class"]);
});

scenario("two runs are compared, and the link to it opens the same in a fresh page", CLIPBOARD, async (profile) => {
  const { page, context } = profile;
  await open(profile);
  await runTwice(page);
  const [second, first] = await lines(page);
  await page.locator(`[data-run="${first.run}"]`).getByRole("button", { name: /Measure others/ }).click();
  await page.locator(`[data-run="${second.run}"]`).getByRole("button", { name: /Compare run/ }).click();
  await page.locator(".runs__results").waitFor();
  const auc = page.locator(".runs__results tr", { hasText: /^AUC/ });
  const [base, other] = (await auc.locator("td").allInnerTexts()).map(Number.parseFloat).filter((value) => value > 0.3);
  assert.ok(base > 0.5 && other > 0.5 && base !== other, `${base} and ${other}`);
  assert.match(await page.locator(".runs__setting--changed").innerText(), /100[\s\S]*7/);
  assert.match(await page.locator(".runs__graph svg").getAttribute("aria-label"), /changed: Decision Forest/);
  await page.getByText(/The test set chose the model/).waitFor();
  await page.locator(".runs__head").getByRole("button", { name: "AUC" }).click();
  await page.getByRole("tab", { name: "Curves" }).click();
  await page.getByRole("group", { name: /^ROC/ }).first().waitFor();
  await page.getByRole("tab", { name: "Timeline" }).click();
  await page.locator(".runs__gantt tr").first().waitFor();
  assert.match(await page.locator(".runs__timeline").innerText(), /reused, saved/);
  await page.getByRole("tab", { name: "Scatter" }).click();
  await page.locator(".runs__scatter .chart__stage").waitFor();
  await search(page, "auc > 0.1");
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.locator(".toast", { hasText: "Link with 2 runs copied" }).waitFor();
  const link = await clipboard(page);
  assert.match(link, /#runs\?q=auc/);
  const fresh = await context.newPage();
  await fresh.goto(link);
  await fresh.locator(`[data-run="${second.run}"]`).waitFor();
  await idle(fresh);
  assert.equal(await fresh.getByRole("combobox", { name: "Search runs" }).inputValue(), "auc > 0.1");
  assert.equal(await fresh.getByRole("tab", { name: "Scatter" }).getAttribute("aria-selected"), "true");
  assert.equal(await fresh.locator(".runs__head [aria-sort=descending]").innerText(), "AUC");
  assert.equal(await fresh.locator(".runs__line--pinned").getAttribute("data-run"), first.run);
  assert.equal(await fresh.locator(".runs__line--selected").getAttribute("data-run"), second.run);
});

scenario("a run's version is opened again as a pipeline of its own", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const [, first] = await lines(page);
  await page.locator(`[data-run="${first.run}"]`).getByRole("button", { name: /Open the version/ }).click();
  await page.locator('[data-node-id="forest"]').click();
  assert.equal(await page.locator('[data-param="n_trees"] input[type="number"]').inputValue(), "100");
  assert.match(await page.getByRole("textbox", { name: "Name of the pipeline" }).inputValue(), /\(run 1\)$/);
});

scenario("a run whose tab was closed is listed as stopped", async (profile) => {
  const { page, home } = profile;
  await open(profile);
  await page.getByRole("button", { name: "New pipeline" }).click();
  await page.locator("#canvas").waitFor();
  await openFile(page, "many-trees.json", slowPipeline(2_000));
  await saved(page);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "train", "running");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("button", { name: "Runs" }).click();
  await page.locator('.runs__line[data-state="running"]').waitFor();
  await page.goto("about:blank");
  await page.goto(`${home}#runs`);
  await page.locator('.runs__line[data-state="stopped"]').waitFor();
  const [line] = await lines(page);
  assert.match(line.cells.changed, /The tab was closed while it ran/);
});

scenario("the runs of a folder are taken in, and what is wrong with a file is told", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const before = await lines(page);
  const files = await keptFiles(page);
  assert.deepEqual(Object.keys(files).map(dirname).sort(), ["pipelines", "pipelines", "runs", "runs"]);
  files["runs/broken.json"] = "{";
  const elsewhere = await profile.newProfile();
  await open(elsewhere);
  await elsewhere.page.getByRole("button", { name: "Runs" }).click();
  await elsewhere.page.locator(".runs__empty").waitFor();
  await importFiles(elsewhere.page, files);
  const told = elsewhere.page.locator(".toast", { hasText: "2 runs imported, 1 file left out" });
  await told.waitFor();
  assert.match(await told.innerText(), /broken\.json: line 1, column 1/);
  assert.deepEqual(await lines(elsewhere.page), before);
});

/// Imports these files as a folder of runs.
async function importFiles(page, files) {
  const folder = await mkdtemp(join(tmpdir(), "runs-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const asked = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Import" }).click();
    await (await asked).setFiles(folder);
    await page.locator(".toast", { hasText: "imported" }).waitFor();
    await idle(page);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/// Heads and rows of what a chart draws.
async function asTable(page, name) {
  const button = page.getByRole("button", { name: `View ${name} as a table` });
  await button.click();
  const table = page.locator("#runs-page .chart__table table");
  await table.waitFor();
  const read = await table.evaluate((table) =>
    [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
  );
  await button.click();
  return { heads: read[0], rows: read.slice(1) };
}

/// AUCs of twelve runs with 100 trees and of twelve with 7: the last of each lies far from the others.
const MANY = [0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.88, 0.89, 0.9, 0.5];
const FEW = [0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.78, 0.79, 0.8, 0.95];

/// Twenty-four runs with those AUCs in a fresh profile.
async function openMany(profile) {
  await open(profile);
  await runTwice(profile.page);
  const files = grownRuns(await keptFiles(profile.page), "auc", [MANY, FEW]);
  const other = await profile.newProfile();
  await open(other);
  await other.page.getByRole("button", { name: "Runs" }).click();
  await other.page.locator(".runs__empty").waitFor();
  await importFiles(other.page, files);
  return other.page;
}

/// By straight lines between the neighbours, as numpy does it.
function quantile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}

scenario("a metric spreads over groups as boxes, and an outlier is compared with a click of a key", async (profile) => {
  const page = await openMany(profile);
  await page.getByRole("tab", { name: "Boxes" }).click();
  await page.getByText("Group the list by a setting").waitFor();
  await page.getByRole("combobox", { name: "Group by" }).selectOption({ label: "forest.n_trees" });
  await page.getByRole("combobox", { name: "Metric" }).selectOption({ label: "AUC" });
  await page.getByText(/quartiles \(linear\).*1\.5 interquartile ranges/).waitFor();
  const { heads, rows } = await asTable(page, "AUC by forest.n_trees");
  assert.deepEqual(heads.slice(3), ["Runs", "Lower whisker", "Lower quartile", "Median", "Upper quartile", "Upper whisker"]);
  const boxes = rows.filter(([series]) => series === "runs");
  assert.deepEqual(boxes.map((row) => row[1]), ["7, n = 12", "100, n = 12"], "numbers stand in their order");
  for (const [values, box] of [[FEW, boxes[0]], [MANY, boxes[1]]]) {
    const inside = values.slice(0, -1);
    const wanted = [12, Math.min(...inside), ...[0.25, 0.5, 0.75].map((share) => quantile(values, share)), Math.max(...inside)];
    box.slice(3).forEach((cell, at) => assert.ok(Math.abs(Number(cell) - wanted[at]) < 1e-9, `${cell} is not ${wanted[at]}`));
  }
  const outliers = rows.filter(([series]) => series === "outliers");
  assert.deepEqual(outliers.map((row) => Number(row[2])), [0.95, 0.5]);

  await page.locator("#runs-page .chart__stage").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await idle(page);
  assert.equal(await page.locator(".runs__line--selected").count(), 0, "a box is no run");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator(".runs__line--selected").waitFor();
  assert.match(await page.locator(".runs__legend").innerText(), /24 Run 24/);
  await page.getByRole("combobox", { name: "Metric" }).selectOption({ label: "Took" });
  await page.getByRole("button", { name: "View Took by forest.n_trees as a table" }).waitFor();
});

scenario("runs are lines over parallel axes: filtered, moved, chosen and compared", async (profile) => {
  const page = await openMany(profile);
  await page.getByRole("tab", { name: "Parallel" }).click();
  const count = page.locator(".parallel__count");
  await count.filter({ hasText: "24 of 24 runs" }).waitFor();
  const { heads, rows } = await asTable(page, "parallel coordinates");
  assert.deepEqual(heads.slice(0, 3), ["Run", "forest.n_trees", "Took"]);
  const auc = heads.indexOf("AUC");
  assert.deepEqual(rows.map((row) => Number(row[auc])), [...MANY, ...FEW].toSorted((one, other) => other - one));

  await page.getByLabel("Axis", { exact: true }).selectOption({ label: "AUC" });
  await page.getByLabel("Smallest AUC").fill("0.8");
  await page.getByLabel("Smallest AUC").press("Enter");
  await page.getByLabel("Axis", { exact: true }).selectOption({ label: "forest.n_trees" });
  await page.getByLabel("Largest forest.n_trees").fill("50");
  await page.getByLabel("Largest forest.n_trees").press("Enter");
  await count.filter({ hasText: "2 of 24 runs" }).waitFor();
  await page.locator(".parallel__area").press("ArrowRight");
  await page.waitForFunction(() => /^Run 24 Run 24: forest\.n_trees 7/.test(document.getElementById("announcements").innerText));
  await page.locator(".parallel__area").press("Enter");
  await page.locator(".runs__line--selected").waitFor();
  assert.match(await page.locator(".runs__legend").innerText(), /24 Run 24/);
  await page.locator(".parallel__area").press("Escape");
  await count.filter({ hasText: "24 of 24 runs" }).waitFor();

  const left = page.getByRole("button", { name: "Move AUC left" });
  for (let step = 1; step < auc; step += 1) {
    await left.focus();
    await page.keyboard.press("Enter");
  }
  assert.equal((await asTable(page, "parallel coordinates")).heads[1], "AUC");

  await page.getByRole("button", { name: "Axes" }).click();
  const axes = page.getByRole("dialog", { name: "Axes" });
  await axes.getByLabel("Took").uncheck();
  await axes.getByRole("button", { name: "Close" }).click();
  assert.ok(!(await asTable(page, "parallel coordinates")).heads.includes("Took"));
  // Each tab has its own axes.
  await page.getByRole("tab", { name: "Scatter" }).click();
  assert.equal(await page.getByRole("combobox", { name: "Across" }).inputValue(), "took");
  await page.getByRole("tab", { name: "Parallel" }).click();
  assert.ok(!(await asTable(page, "parallel coordinates")).heads.includes("Took"));
  await page.reload();
  await page.locator(".parallel__line").first().waitFor();
  await idle(page);
  assert.ok(!(await asTable(page, "parallel coordinates")).heads.includes("Took"), "the link has the axes");
});

scenario("runs can be looked through by everybody, in both themes", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const [second, first] = await lines(page);
  await page.locator(`[data-run="${first.run}"]`).getByRole("button", { name: /Measure others/ }).click();
  await page.locator(`[data-run="${second.run}"]`).getByRole("button", { name: /Compare run/ }).click();
  await page.locator(".runs__results").waitFor();
  for (const theme of ["light", "dark"]) {
    await page.getByRole("button", { name: /^Theme/ }).first().click();
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    for (const tab of ["Compare", "Curves", "Scatter", "Parallel", "Boxes", "Timeline"]) {
      await page.getByRole("tab", { name: tab }).click();
      await idle(page);
      await assertAccessible(page, `${tab}, ${theme}`);
    }
    await page.getByRole("combobox", { name: "Group by" }).selectOption("learner");
    await page.getByRole("button", { name: "Columns" }).click();
    await assertAccessible(page, `groups and columns, ${theme}`);
    await page.locator(".runs__count").click();
    assert.equal(await page.getByRole("dialog", { name: "Columns" }).count(), 0, "a press elsewhere closes it");
    await page.getByRole("combobox", { name: "Group by" }).selectOption("");
    await page.getByRole("tab", { name: "Parallel" }).click();
    await page.getByRole("button", { name: "Axes" }).click();
    await assertAccessible(page, `the choice of axes, ${theme}`);
    await page.keyboard.press("Escape");
  }
});

scenario("a browser that keeps nothing shows the runs of the session and says so", async (profile) => {
  const { page, context } = profile;
  await context.addInitScript(() => Object.defineProperty(window, "indexedDB", { get: () => null }));
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await showRuns(page);
  await page.getByRole("alert").filter({ hasText: "Runs are not kept" }).waitFor();
  assert.equal((await lines(page)).length, 1);
});
