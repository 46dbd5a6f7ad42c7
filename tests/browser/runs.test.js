//! Runs: recorded, found again, grouped, compared, and a view of them as a link.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { slowPipeline } from "./data.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
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

/// What is kept of runs, by path: the files of the folder that the command line leaves.
async function keptFiles(page) {
  return page.evaluate(async () => {
    const settled = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const transaction = (await settled(indexedDB.open("millrace-runs"))).transaction(["runs", "pipelines"]);
    const shelf = async (name) => {
      const store = transaction.objectStore(name);
      const [paths, texts] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
      return paths.map((path, at) => [path, texts[at]]);
    };
    return Object.fromEntries((await Promise.all(["runs", "pipelines"].map(shelf))).flat());
  });
}

scenario("the runs of a folder are taken in, and what is wrong with a file is told", async (profile) => {
  const { page } = profile;
  await open(profile);
  await runTwice(page);
  const before = await lines(page);
  const files = await keptFiles(page);
  assert.deepEqual(Object.keys(files).map(dirname).sort(), ["pipelines", "pipelines", "runs", "runs"]);
  const folder = await mkdtemp(join(tmpdir(), "runs-"));
  try {
    files["runs/broken.json"] = "{";
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const elsewhere = await profile.newProfile();
    await open(elsewhere);
    await elsewhere.page.getByRole("button", { name: "Runs" }).click();
    await elsewhere.page.locator(".runs__empty").waitFor();
    const asked = elsewhere.page.waitForEvent("filechooser");
    await elsewhere.page.getByRole("button", { name: "Import" }).click();
    await (await asked).setFiles(folder);
    const told = elsewhere.page.locator(".toast", { hasText: "2 runs imported, 1 file left out" });
    await told.waitFor();
    assert.match(await told.innerText(), /broken\.json: line 1, column 1/);
    assert.deepEqual(await lines(elsewhere.page), before);
  } finally {
    await rm(folder, { recursive: true });
  }
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
    for (const tab of ["Compare", "Curves", "Scatter", "Timeline"]) {
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
