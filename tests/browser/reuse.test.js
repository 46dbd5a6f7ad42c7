//! Running again: what is reused, what is forced, and what is let go.

import assert from "node:assert/strict";
import { idle, open, scenario } from "./harness.js";
import { card, finished, heard, inState, openQuestion, runAll, states } from "./studio.js";

/// Asks for something in the menu of a node.
async function choose(page, node, entry) {
  await card(page, node).click({ button: "right" });
  await page.getByRole("menuitem", { name: entry }).click();
}

/// Why a node came out as it did, as the inspector says it.
async function why(page, node) {
  await card(page, node).click();
  await idle(page);
  return page.locator(".inspector__foot").innerText();
}

async function openAndRun(profile) {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  await runAll(page);
  return page;
}

scenario("a run from here forces a node and what rests on it, and reuses what it rests on", async (profile) => {
  const page = await openAndRun(profile);
  const names = Object.keys(await states(page));
  assert.ok(names.includes("split") && names.includes("evaluate"), String(names));

  await choose(page, "train", "Run again from here");
  await inState(page, "split", "reused");
  await finished(page);
  const after = await states(page);
  for (const [node, state] of [["train", "ran"], ["score", "ran"], ["evaluate", "ran"], ["split", "reused"]]) {
    assert.equal(after[node], state, node);
  }
  assert.match(await why(page, "train"), /It was asked to run again, unchanged\./);
  assert.match(await why(page, "split"), /was reused\. Nothing it depends on has changed\./);

  // Regenerating leaves alone what rests on the node.
  await choose(page, "split", "Regenerate output");
  await inState(page, "split", "ran");
  await finished(page);
  assert.equal((await states(page)).train, "ran");
  assert.match(await why(page, "split"), /It was asked to run again, unchanged\./);

  // The same by the keyboard: everything again, then nothing.
  await card(page, "evaluate").click();
  await page.keyboard.press("Control+Shift+Alt+Enter");
  await page.waitForFunction(() => /\d+ ran, 0 reused/.test(document.querySelector("#announcements").textContent));
  await finished(page);
  await page.keyboard.press("Control+Shift+Enter");
  await inState(page, "evaluate", "reused");
  await finished(page);
  assert.ok(Object.values(await states(page)).every((state) => state === "reused"), "an unchanged pipeline runs nothing");
  assert.match(await heard(page), /0 ran/);
  await page.keyboard.press("r");
  await inState(page, "evaluate", "ran");
});

scenario("what is kept is weighed, and let go of for one node or for all", async (profile) => {
  const page = await openAndRun(profile);
  const dock = page.getByRole("button", { name: /kept$/ });
  await dock.waitFor();
  assert.match(await dock.innerText(), /^[\d.]+ (B|kB|MB) kept$/);

  // Of one node, at its output.
  await card(page, "split").click();
  await page.locator("#inspector-tab-output").click();
  const kept = page.locator("#kept");
  assert.match(await kept.innerText(), /[1-9][\d.]* (B|kB|MB)/);
  await kept.getByRole("button", { name: "Clear" }).click();
  await inState(page, "split", "idle");
  await page.waitForFunction(() => document.querySelector("#kept .num").textContent === "0 B");
  assert.equal((await states(page)).evaluate, "ran", "only this one");
  await page.keyboard.press("Control+Shift+Enter");
  await inState(page, "split", "ran");
  await finished(page);
  assert.match(await page.locator(".inspector__foot").innerText(), /Its earlier result was no longer kept\./);
  assert.equal((await states(page)).evaluate, "reused", "an equal result disturbs nothing");

  // Of all, in the pipeline's settings.
  await dock.click();
  await kept.getByRole("button", { name: "Clear" }).click();
  await dock.waitFor({ state: "detached" });
  assert.ok(Object.values(await states(page)).every((state) => state === "idle"));
  await runAll(page);
  assert.ok(Object.values(await states(page)).every((state) => state === "ran"));
});
