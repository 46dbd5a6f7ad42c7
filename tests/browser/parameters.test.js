//! Parameters of the whole pipeline: made of a field's, asked for before a run, handed on in a link.

import assert from "node:assert/strict";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { CLIPBOARD, card, finished, inState, openQuestion, param, states } from "./studio.js";

const dialog = (page) => page.locator("#run-with");

/// Asks for a run and answers with a number.
async function runWith(page, name, value) {
  await page.keyboard.press("Control+Shift+Enter");
  const field = dialog(page).locator(`[data-given="${name}"] input[type="number"]`);
  await field.waitFor();
  const before = await field.inputValue();
  await field.fill(String(value));
  await field.press("Enter");
  await dialog(page).waitFor({ state: "hidden" });
  await inState(page, "evaluate", "ran");
  await finished(page);
  return before;
}

scenario("a parameter of the pipeline is made, bound, asked for and remembered", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);

  // From the field of a node.
  await card(page, "tree").click();
  await param(page, "max_depth", ".bind select").selectOption("+");
  await page.locator('[data-param="max_depth"] .bind--bound', { hasText: "max_depth" }).waitFor();
  await assertAccessible(page, "a bound field");

  // In the settings of the pipeline, where it is named.
  await page.locator("#canvas").press("Escape");
  const declared = page.locator('.parameter[data-parameter="max_depth"]');
  await declared.waitFor();
  assert.match(await declared.innerText(), /Sets Decision Tree \(max_depth\)/);
  await declared.getByLabel("Name of max_depth").fill("Depth!");
  await declared.getByLabel("Name of max_depth").press("Enter");
  await page.getByText(/is no name for a pipeline parameter/).first().waitFor();
  await declared.getByLabel("Name of max_depth").fill("depth");
  await declared.getByLabel("Name of max_depth").press("Enter");
  const renamed = page.locator('.parameter[data-parameter="depth"]');
  await renamed.waitFor();
  await renamed.getByLabel("Label of depth").fill("Depth of the tree");
  await renamed.getByLabel("Label of depth").press("Enter");
  await page.waitForFunction(() => document.querySelector('[aria-label="Label of depth"]').value === "Depth of the tree");
  await assertAccessible(page, "the settings of the pipeline");

  // A run asks, and the next one begins with what was given; the document keeps its default.
  await page.keyboard.press("Control+Shift+Enter");
  await dialog(page).getByLabel("Depth of the tree").first().waitFor();
  await assertAccessible(page, "the question before a run");
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  assert.ok(Object.values(await states(page)).every((state) => state === "idle"), "nothing runs unanswered");
  assert.equal(await runWith(page, "depth", 1), "4");
  assert.equal(await runWith(page, "depth", 2), "1");
  await card(page, "tree").click();
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), "4");
  assert.ok(Object.values(await states(page)).every((state) => state !== "stale"), "what ran is what is shown");
  assert.match(await page.locator(".inspector__foot").innerText(), /Maximum depth changed from 1 to 2/);

  // Without being asked.
  await page.locator("#canvas").press("Escape");
  assert.match(await renamed.innerText(), /Runs have 2 in this session/);
  await page.getByRole("switch", { name: "Ask for values before a run" }).uncheck();
  await page.keyboard.press("Control+Shift+Enter");
  await inState(page, "evaluate", "reused");
  await finished(page);

  // The link carries it, and undo takes everything back.
  await page.keyboard.press("Control+Shift+s");
  await page.getByText(/Link copied/).first().waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#p=2d\./);
  await page.locator("#canvas").click({ position: { x: 40, y: 40 } });
  for (let step = 0; step < 3; step += 1) {
    await page.keyboard.press("Control+z");
  }
  await renamed.waitFor({ state: "detached" });
  await card(page, "tree").click();
  assert.equal(await page.locator('[data-param="max_depth"] .bind--bound').count(), 0);
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), "4");
  await idle(page);
});

scenario("two nodes share a parameter, and a field of theirs sets both", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /split the moons/);
  await card(page, "forest").click();
  await param(page, "n_trees", ".bind select").selectOption("+");
  await page.locator('[data-param="n_trees"] .bind--bound').waitFor();
  await card(page, "forest").focus();
  await page.keyboard.press("Control+d");
  await card(page, "decision-forest").waitFor();
  await card(page, "decision-forest").click();
  await param(page, "n_trees", ".bind select").selectOption("n_trees");
  await page.locator('[data-param="n_trees"] .bind--bound').waitFor();
  const field = param(page, "n_trees", 'input[type="number"]');
  await field.fill("17");
  await field.press("Enter");
  await idle(page);
  // Its copy lies over it but for the corner.
  await card(page, "forest").click({ position: { x: 8, y: 8 } });
  assert.equal(await param(page, "n_trees", 'input[type="number"]').inputValue(), "17");
});
