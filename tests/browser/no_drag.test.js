//! The main job with single clicks: nothing moves while a button is held.

import assert from "node:assert/strict";
import { shopCsv } from "./data.js";
import { idle, open, scenario } from "./harness.js";
import {
  CLIPBOARD,
  assertNoDrag,
  card,
  chooseFile,
  copyLink,
  finished,
  metricsOf,
  nConnections,
  openQuestion,
  paletteItem,
  param,
  port,
  runAll,
  setNumber,
  states,
  watchPointer,
} from "./studio.js";

scenario("the whole journey without any drag", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await watchPointer(profile);
  await open(profile);
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  const first = await metricsOf(page, "evaluate");
  await setNumber(page, "forest", "n_trees", 30);
  await runAll(page);
  assert.equal((await states(page)).split, "reused");
  assert.notDeepEqual(await metricsOf(page, "evaluate"), first);

  await page.getByRole("button", { name: "Millrace: all pipelines" }).click();
  await chooseFile(page, "shop.csv", shopCsv(), () => page.getByRole("button", { name: "Choose a file" }).click());
  await card(page, "import-file").waitFor();
  await finished(page);

  // Components by click; each stands free.
  for (const title of ["Split Data", "Decision Forest", "Train Model", "Score Model", "Evaluate Model"]) {
    await page.locator("#canvas").press("Escape");
    await paletteItem(page, title).click();
    await card(page, title.toLowerCase().replace(" ", "-")).waitFor();
  }
  await page.getByRole("button", { name: "Tidy up" }).click();
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);

  // Joined by clicking one port and then the other, and by the menu.
  const links = [
    ["import-file", "out:table", "split-data", "in:table"],
    ["decision-forest", "out:learner", "train-model", "in:learner"],
    ["split-data", "out:train", "train-model", "in:table"],
    ["split-data", "out:test", "score-model", "in:table"],
    ["score-model", "out:scored", "evaluate-model", "in:scored"],
  ];
  for (const [from, output, to, input] of links) {
    await port(page, from, output).click();
    await page.locator("#canvas.canvas--linking").waitFor();
    await port(page, to, input).click();
    await page.locator("#canvas.canvas--linking").waitFor({ state: "detached" });
  }
  await card(page, "train-model").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Connect model to…" }).click();
  await page.locator("#canvas.canvas--linking").waitFor();
  await port(page, "score-model", "in:model").click();
  await idle(page);
  assert.equal(await nConnections(page), 6);

  // A node is moved by its place in the inspector, several are selected with Shift.
  await page.getByRole("button", { name: "Tidy up" }).click();
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);
  await card(page, "decision-forest").click();
  const place = page.getByRole("spinbutton", { name: "From the left" });
  const { x } = await card(page, "decision-forest").boundingBox();
  await place.fill(String(Number(await place.inputValue()) - 80));
  await place.press("Enter");
  await idle(page);
  assert.ok((await card(page, "decision-forest").boundingBox()).x < x, "the node is further to the left");
  await card(page, "train-model").click({ modifiers: ["Shift"] });
  assert.equal(await page.locator(".node-card--selected").count(), 2);
  // The minimap takes a click as well.
  await page.locator(".minimap").click({ position: { x: 20, y: 20 } });
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);

  await setNumber(page, "decision-forest", "n_trees", 25);
  await card(page, "train-model").click();
  await param(page, "target").selectOption("returned");
  await runAll(page);
  const own = await metricsOf(page, "evaluate-model");
  assert.ok(Number(own.Accuracy) > 0.8, `accuracy ${own.Accuracy}`);
  // Panels change their size with a click on their edge.
  const dock = page.locator('[data-region="dock"]');
  const { height } = await dock.boundingBox();
  await page.getByRole("separator", { name: "Height of the results" }).click();
  await page.waitForFunction((height) => document.querySelector('[data-region="dock"]').offsetHeight !== Math.round(height), height);

  const link = await copyLink(page);
  await assertNoDrag(page);
  const other = await profile.newProfile();
  await watchPointer(other);
  await other.page.goto(link);
  await idle(other.page);
  await other.page.getByRole("button", { name: "Open as new pipeline" }).click();
  await other.page.locator("[data-node-id]").first().waitFor();
  await idle(other.page);
  await runAll(other.page);
  assert.deepEqual(await metricsOf(other.page, "evaluate-model"), own);
  await assertNoDrag(other.page);
});
