//! The main job, end to end: with the mouse, with the keyboard alone, and without any drag.

import assert from "node:assert/strict";
import { shopCsv } from "./data.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { card, dropFile, finished, metricsOf, openQuestion, runAll, setNumber, states } from "./studio.js";

const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };

scenario("the whole journey with the mouse", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await open(profile);

  // From the gallery to figures.
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  assert.deepEqual(new Set(Object.values(await states(page))), new Set(["ran"]));
  const first = await metricsOf(page, "evaluate");
  assert.ok(Number(first.Accuracy) > 0.7, `accuracy ${first.Accuracy}`);

  // Another number of trees: only what rests on the forest runs again.
  await setNumber(page, "forest", "n_trees", 30);
  await runAll(page);
  const after = await states(page);
  for (const node of ["data", "clean", "split", "logistic", "train-logistic", "score-logistic"]) {
    assert.equal(after[node], "reused", node);
  }
  for (const node of ["forest", "train-forest", "score-forest", "evaluate"]) {
    assert.equal(after[node], "ran", node);
  }
  const changed = await metricsOf(page, "evaluate");

  // The link gives the same figures in another profile.
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Copy link" }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#p=1d\./);
  const other = await profile.newProfile();
  await other.page.goto(link);
  await idle(other.page);
  await other.page.getByRole("region", { name: "Pipeline from a link" }).waitFor();
  assert.equal(await other.page.locator("[data-node-id]").count(), 0, "opening a link runs and changes nothing");
  await other.page.getByRole("button", { name: "Open as new pipeline" }).click();
  await other.page.locator("[data-node-id]").first().waitFor();
  await idle(other.page);
  await runAll(other.page);
  assert.deepEqual(await metricsOf(other.page, "evaluate"), changed);
});

scenario("a dropped CSV becomes an Import File node with its rows", async (profile) => {
  const { page } = profile;
  await open(profile);
  await dropFile(page, "shop.csv", shopCsv());
  await page.locator("[data-node-id]").first().waitFor();
  await finished(page);
  assert.deepEqual(Object.values(await states(page)), ["ran"]);
  await page.getByText(/of 240/).waitFor();
  await page.getByText("columns 1 to 5 of 5").waitFor();
  await page.getByText("Add Split Data").click();
  await card(page, "split-data").waitFor();
});

scenario("a reload loses nothing", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  await setNumber(page, "tree", "max_depth", 3);
  await page.getByText("saved", { exact: true }).waitFor();
  await page.reload();
  await card(page, "tree").waitFor();
  await idle(page);
  await card(page, "tree").click();
  assert.equal(await page.locator('[data-param="max_depth"] input[type="number"]').inputValue(), "3");
});

for (const colorScheme of ["light", "dark"]) {
  scenario(`axe finds nothing on the canvas after a run, ${colorScheme}`, { colorScheme }, async (profile) => {
    const { page } = profile;
    await open(profile);
    await openQuestion(page, /Which iris/);
    await runAll(page);
    await metricsOf(page, "evaluate");
    await assertAccessible(page, "the canvas after a run");
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("button", { name: "Copy link" }).waitFor();
    await assertAccessible(page, "the share dialog");
  });
}

scenario("a cut link says what is wrong, and the page goes on", async (profile) => {
  await open(profile, "#p=1d.NU47TsUwEFw767xQIPEE");
  await profile.page.getByRole("alert").filter({ hasText: "The link does not open" }).waitFor();
  await openQuestion(profile.page, /Which iris/);
});

scenario("a second tab may look and not overwrite", async (profile) => {
  const { page, context } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  await page.getByText("saved", { exact: true }).waitFor();
  const second = await context.newPage();
  await second.goto(page.url());
  await idle(second);
  await second.getByRole("region", { name: "Open in another tab" }).waitFor();
});
