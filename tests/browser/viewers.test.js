//! Everything that shows results, and everything that opens over the page: shown, usable, and nothing for axe to find.

import assert from "node:assert/strict";
import { pipelineJson } from "./data.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { card, copyLink, metricsOf, openFile, openQuestion, port, runAll, middle, CLIPBOARD } from "./studio.js";

/// Opens a question, runs it, and shows what a node gave.
async function results(page, question, node) {
  await page.getByRole("button", { name: "Millrace: all pipelines" }).click();
  await openQuestion(page, question);
  await runAll(page);
  await show(page, node);
}

async function show(page, node) {
  await card(page, node).click();
  await page.locator('[data-region="dock"]').getByRole("tab", { name: "Output", exact: true }).click();
  await page.locator(".output__panels").waitFor();
  await idle(page);
}

async function figureNamed(page, title) {
  const figure = page.locator("figure.chart").filter({ has: page.getByRole("heading", { name: title }) }).first();
  await figure.scrollIntoViewIfNeeded();
  return figure;
}

for (const colorScheme of ["light", "dark"]) {
  scenario(`axe finds nothing in any viewer, ${colorScheme}`, { colorScheme }, async (profile) => {
    const { page } = profile;
    await open(profile);
    await openQuestion(page, /Which iris/);
    await runAll(page);
    await metricsOf(page, "evaluate");
    await assertAccessible(page, "the canvas after a run, with metrics and a confusion matrix");
    await page.locator(".confusion").first().waitFor();

    await show(page, "train");
    await page.getByRole("tree", { name: /tree/i }).first().waitFor();
    await assertAccessible(page, "the tree view");

    // The rows, with the profile of a column beside them.
    await card(page, "data").click();
    await page.locator('[data-region="dock"]').getByRole("tab", { name: "Data", exact: true }).click();
    await page.getByRole("button", { name: "Profile of petal length (cm)" }).or(page.locator(".grid__open").first()).first().click();
    await page.locator("#column-panel canvas").first().waitFor();
    await idle(page);
    await assertAccessible(page, "the data table with a column's profile");

    await results(page, /tumour/, "evaluate");
    await figureNamed(page, /ROC/);
    await figureNamed(page, /[Pp]recision/);
    await assertAccessible(page, "ROC and precision-recall curves");
    await show(page, "train");
    await assertAccessible(page, "the coefficients of a classifier");

    await results(page, /diabetes/, "evaluate");
    await figureNamed(page, /[Rr]esidual/);
    await assertAccessible(page, "the charts of a regression");
    await show(page, "train");
    await assertAccessible(page, "the coefficients of a regression");

    await results(page, /belong together/, "train");
    await assertAccessible(page, "the sizes of clusters");
    await show(page, "evaluate");
    await assertAccessible(page, "the figures of a clustering");
  });

  scenario(`axe finds nothing in what opens over the page, ${colorScheme}`, { colorScheme, ...CLIPBOARD }, async (profile) => {
    const { page } = profile;
    await open(profile);
    // An empty canvas, and the search for components.
    await page.getByRole("button", { name: "New pipeline" }).click();
    await page.getByRole("heading", { name: "Drop a file, or place a component" }).waitFor();
    await assertAccessible(page, "the empty canvas");
    await page.getByRole("button", { name: "Add a component" }).first().click();
    await page.getByRole("listbox", { name: "Components" }).getByRole("option").first().waitFor();
    await assertAccessible(page, "the search for components");
    await page.keyboard.press("Escape");

    // Problems, and a node that is not known.
    await openFile(page, "odd.json", oddPipeline);
    await page.getByRole("tab", { name: /^Problems/ }).click();
    await page.locator(".problem").first().waitFor();
    await assertAccessible(page, "the problems panel");

    await page.getByRole("button", { name: "Millrace: all pipelines" }).click();
    await openQuestion(page, /Which iris/);
    await card(page, "tree").click({ button: "right" });
    await page.getByRole("menu").waitFor();
    await assertAccessible(page, "the context menu");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("listbox", { name: "Results" }).getByRole("option").first().waitFor();
    await assertAccessible(page, "the palette of commands");
    await page.keyboard.press("Escape");
    await page.locator("#canvas").press("?");
    await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
    await assertAccessible(page, "the sheet of shortcuts");
    await page.keyboard.press("Escape");
    for (const tab of ["Output", "Help"]) {
      await page.locator("#inspector").getByRole("tab", { name: tab }).click();
      await assertAccessible(page, `the inspector's ${tab}`);
    }
    await page.getByRole("tab", { name: "Outline" }).click();
    await assertAccessible(page, "the outline");
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("button", { name: "Copy link" }).waitFor();
    await assertAccessible(page, "the share dialog");
    await page.keyboard.press("Escape");

    // A link's banner, on either page.
    const link = await copyLink(page);
    await page.goto("about:blank");
    await page.goto(link);
    await idle(page);
    await page.getByRole("region", { name: "Pipeline from a link" }).waitFor();
    await assertAccessible(page, "the banner of a link");
  });
}

/// One problem of each kind that the panel shows.
const oddPipeline = pipelineJson(
  "Odd",
  {
    data: ["data.sample-datasets@1"],
    split: ["split.split-data@1", { fraction: 7, colour: "red" }],
    future: ["transform.from-the-future@3", { depth: 5 }],
    train: ["train.train-model@1"],
  },
  { "split.table": "data.table", "train.table": "split.train" },
);

scenario("a chart is read with the arrow keys, and as a table", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /tumour/);
  await runAll(page);
  await show(page, "evaluate");
  const figure = await figureNamed(page, /ROC/);
  await figure.locator(".chart__stage").focus();
  await page.keyboard.press("ArrowRight");
  await figure.locator(".chart__tip").waitFor();
  const read = await page.locator("#announcements").innerText();
  assert.match(read, /\d/);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((read) => document.querySelector("#announcements").innerText !== read, read);
  await figure.getByRole("button", { name: /as a table/ }).click();
  await figure.getByRole("table").waitFor();
  assert.ok((await figure.getByRole("row").count()) > 5);
});

scenario("a tooltip tells the value under the pointer", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /diabetes/);
  await runAll(page);
  await show(page, "evaluate");
  const stage = (await figureNamed(page, /[Pp]redicted/)).locator(".chart__stage");
  const { x, y } = await middle(stage);
  await page.mouse.move(x, y);
  await stage.locator(".chart__tip").waitFor();
  assert.match(await stage.locator(".chart__tip").innerText(), /\d/);
});

scenario("rows are sorted, filtered and found, and columns profiled", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await card(page, "data").click();
  const dock = page.locator('[data-region="dock"]');
  await dock.getByRole("tab", { name: "Data", exact: true }).click();
  await dock.locator(".data__count", { hasText: "3,000 rows" }).waitFor();
  const first = dock.getByRole("columnheader").nth(2);
  await first.locator(".grid__sort").click();
  await dock.locator('[aria-sort="ascending"]').waitFor();
  await dock.getByText(/smallest first/).waitFor();
  await dock.getByRole("searchbox", { name: "Find in all columns" }).fill("yes");
  await dock.locator(".data__count", { hasText: /of 3,000 rows/ }).waitFor();
  await dock.locator(".grid__open").first().click();
  await page.locator("#column-panel").waitFor();
  await idle(page);
});
