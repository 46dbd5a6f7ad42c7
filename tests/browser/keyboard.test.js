//! The main job with the keyboard alone: no pointer does anything, and what is to be known is said.

import assert from "node:assert/strict";
import { shopCsv } from "./data.js";
import { idle, open, scenario } from "./harness.js";
import {
  CLIPBOARD,
  assertNoPointer,
  card,
  chooseFile,
  clipboard,
  finished,
  goToRegion,
  hasFocus,
  heard,
  inState,
  nConnections,
  nodes,
  param,
  shownMetrics,
  states,
  tabTo,
  watchPointer,
} from "./studio.js";

/// Adds a component through the search that `/` opens.
async function add(page, words, node) {
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: "Add a component" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "quick-add-input");
  await page.keyboard.type(words);
  await page.keyboard.press("Enter");
  await card(page, node).waitFor();
  await page.waitForFunction(() => document.activeElement?.closest("#canvas"));
  await idle(page);
}

/// Joins a port of the focused node with another: P goes from port to port, Enter takes one in hand, arrows choose.
async function join(page, own, other) {
  await pressUntilHeard(page, "p", own);
  await page.keyboard.press("Enter");
  await pressUntilHeard(page, "ArrowDown", other);
  await page.keyboard.press("Enter");
  await idle(page);
}

async function pressUntilHeard(page, key, pattern) {
  for (let step = 0; step < 12; step += 1) {
    if (pattern.test((await heard(page)).split(/fits?\. /).at(-1))) {
      return;
    }
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead to ${pattern}; heard: ${await heard(page)}`);
}

/// Reads the figures of the last node: End goes to it, 1 opens its output.
async function figuresAtTheEnd(page, node) {
  await goToRegion(page, "canvas");
  await page.keyboard.press("End");
  await page.waitForFunction((node) => document.activeElement?.dataset.nodeId === node, node);
  await page.keyboard.press("1");
  return shownMetrics(page);
}

scenario("the whole journey with the keyboard alone", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await watchPointer(profile);
  await open(profile);

  // From the gallery to figures.
  await goToRegion(page, "gallery");
  await tabTo(page, page.getByRole("button", { name: /Who leaves/ }));
  await page.keyboard.press("Enter");
  await card(page, "evaluate").waitFor();
  await idle(page);
  assert.ok(await hasFocus(page.locator("#canvas")), "the canvas has the focus when a pipeline opens");
  await page.keyboard.press("Control+Shift+Enter");
  await finished(page);
  assert.match(await heard(page), /ran|finished|done/i);
  const first = await figuresAtTheEnd(page, "evaluate");
  assert.ok(Number(first.Accuracy) > 0.7, `accuracy ${first.Accuracy}`);
  await goToRegion(page, "dock");
  await tabTo(page, page.getByRole("group", { name: "Metrics" }));

  // Against the edges to the forest, whose number of trees is changed in the inspector.
  await goToRegion(page, "canvas");
  for (const node of ["score-forest", "train-forest", "forest"]) {
    await page.keyboard.press("Alt+,");
    await page.waitForFunction((node) => document.activeElement?.dataset.nodeId === node, node);
  }
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.closest("#inspector-page"));
  await tabTo(page, param(page, "n_trees", 'input[type="number"]'));
  await page.keyboard.press("Control+a");
  await page.keyboard.type("30");
  await page.keyboard.press("Enter");
  await inState(page, "forest", "stale");
  await page.keyboard.press("Control+Shift+Enter");
  await finished(page);
  const after = await states(page);
  assert.deepEqual([after.split, after["train-logistic"], after["train-forest"]], ["reused", "reused", "ran"]);
  assert.notDeepEqual(await figuresAtTheEnd(page, "evaluate"), first);

  // An own table, through the chooser.
  await goToRegion(page, "bar");
  await tabTo(page, page.getByRole("button", { name: "Millrace: all pipelines" }));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Drop a CSV here" }).waitFor();
  await chooseFile(page, "shop.csv", shopCsv(), () => page.keyboard.press("Control+o"));
  await card(page, "import-file").waitFor();
  await finished(page);
  await page.getByText(/of 240/).waitFor();

  // A pipeline from nothing.
  await goToRegion(page, "canvas");
  await add(page, "split", "split-data");
  await add(page, "decision forest", "decision-forest");
  await add(page, "train model", "train-model");
  await join(page, /^Input table of Train Model/, /^Output train of Split Data/);
  await page.keyboard.press("Enter");
  await tabTo(page, param(page, "target", "select"));
  await page.keyboard.type("returned");
  await idle(page);
  assert.equal(await param(page, "target", "select").inputValue(), "returned");
  await goToRegion(page, "canvas");
  await add(page, "score model", "score-model");
  await join(page, /^Input table of Score Model/, /^Output test of Split Data/);
  await add(page, "evaluate", "evaluate-model");
  assert.equal(await nConnections(page), 6);
  await page.keyboard.press("Control+Shift+Enter");
  await finished(page);
  const own = await figuresAtTheEnd(page, "evaluate-model");
  assert.ok(Number(own.Accuracy) > 0.8, `accuracy ${own.Accuracy}`);

  // The rows of the table, cell by cell.
  await goToRegion(page, "canvas");
  await tabTo(page, card(page, "import-file"), "ArrowUp");
  await page.keyboard.press("1");
  await page.getByText(/of 240/).waitFor();
  await goToRegion(page, "dock");
  await tabTo(page, page.locator("#data-grid"));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.locator("#grid-active").waitFor();
  await page.keyboard.press("Control+Home");

  // The link, in a fresh profile.
  await page.keyboard.press("Control+Shift+s");
  await page.locator(".toast", { hasText: /^Link copied/ }).waitFor();
  const link = await clipboard(page);
  await assertNoPointer(page);
  const other = await profile.newProfile();
  await watchPointer(other);
  await other.page.goto(link);
  await idle(other.page);
  await tabTo(other.page, other.page.getByRole("button", { name: "Open as new pipeline" }));
  await other.page.keyboard.press("Enter");
  await card(other.page, "evaluate-model").waitFor();
  await idle(other.page);
  await other.page.keyboard.press("Control+Shift+Enter");
  await finished(other.page);
  assert.deepEqual(await figuresAtTheEnd(other.page, "evaluate-model"), own);
  await assertNoPointer(other.page);
});

scenario("a table typed in by hand, with the keyboard", async (profile) => {
  const { page } = profile;
  await watchPointer(profile);
  await open(profile);
  await goToRegion(page, "bar");
  await tabTo(page, page.getByRole("button", { name: "New pipeline" }));
  await page.keyboard.press("Enter");
  await page.locator("#canvas").waitFor();
  await goToRegion(page, "canvas");
  await add(page, "enter data", "enter-data");
  await page.keyboard.press("Enter");
  await tabTo(page, page.locator('[data-cell="1-0"]'));
  await page.keyboard.press("Control+a");
  await page.keyboard.type("12");
  await page.keyboard.press("Enter");
  assert.ok(await hasFocus(page.locator('[data-cell="2-0"]')), "Enter goes to the cell below");
  await page.keyboard.press("Control+Enter");
  await finished(page);
  await goToRegion(page, "canvas");
  await page.keyboard.press("1");
  await page.locator(".grid__rows", { hasText: "12" }).waitFor();
  await assertNoPointer(page);
});

scenario("regions, dialogs and menus give the focus back", async (profile) => {
  const { page } = profile;
  await watchPointer(profile);
  await open(profile);
  await goToRegion(page, "gallery");
  await tabTo(page, page.getByRole("button", { name: /Which iris/ }));
  await page.keyboard.press("Enter");
  await card(page, "evaluate").waitFor();
  await idle(page);
  for (const region of ["bar", "palette", "canvas", "dock", "inspector"]) {
    await goToRegion(page, region);
  }
  await goToRegion(page, "canvas");

  // The sheet of shortcuts, and the palette of commands.
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  assert.ok(await hasFocus(page.locator("#canvas")), "after the sheet of shortcuts");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /Find a command/ }).waitFor();
  await page.keyboard.type("go to decision tree");
  await page.keyboard.press("Enter");
  await page.locator('[data-node-id="tree"].node-card--selected').waitFor();

  // The menu of a node, by Shift+F10: rename, delete, and a step back.
  await goToRegion(page, "canvas");
  await page.keyboard.press("Shift+F10");
  await page.getByRole("menu").waitFor();
  await tabTo(page, page.getByRole("menuitem", { name: /^Rename/ }), "ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator(".node-card__rename").waitFor();
  await page.keyboard.type("Four questions");
  await page.keyboard.press("Enter");
  await card(page, "tree").getByRole("heading", { name: "Four questions" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.closest("#canvas"));
  await page.keyboard.press("Delete");
  await card(page, "tree").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.closest("#canvas"));
  await page.keyboard.press("Control+z");
  await card(page, "tree").waitFor();

  // The outline says the same as the canvas, and letters in a text field are letters.
  await page.keyboard.press("Control+f");
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "treeitem");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.locator('[data-node-id="evaluate"].node-card--selected').waitFor();
  await goToRegion(page, "bar");
  await tabTo(page, page.getByRole("textbox", { name: "Name of the pipeline" }));
  const before = await nodes(page);
  await page.keyboard.type("/pe");
  assert.equal(await page.locator("#quick-add-input").count(), 0);
  assert.deepEqual(await nodes(page), before);
  await assertNoPointer(page);
});
