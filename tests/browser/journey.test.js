//! The main job, end to end, with the mouse.

import assert from "node:assert/strict";
import { shopCsv } from "./data.js";
import { idle, open, scenario } from "./harness.js";
import {
  CLIPBOARD,
  card,
  copyLink,
  drag,
  dropFile,
  emptySpot,
  finished,
  middle,
  metricsOf,
  nConnections,
  nodes,
  openQuestion,
  paletteItem,
  param,
  port,
  runAll,
  saved,
  setNumber,
  states,
} from "./studio.js";

scenario("the whole journey with the mouse", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await open(profile);

  // From the gallery to figures.
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  assert.deepEqual(new Set(Object.values(await states(page))), new Set(["ran"]));
  const first = await metricsOf(page, "evaluate");
  assert.ok(Number(first.Accuracy) > 0.7, `accuracy ${first.Accuracy}`);

  // Another number of trees: only what rests on the forest runs again, and says why.
  await setNumber(page, "forest", "n_trees", 30);
  await runAll(page);
  const after = await states(page);
  for (const node of ["data", "clean", "split", "logistic", "train-logistic", "score-logistic"]) {
    assert.equal(after[node], "reused", node);
  }
  for (const node of ["forest", "train-forest", "score-forest", "evaluate"]) {
    assert.equal(after[node], "ran", node);
  }
  await card(page, "forest").click();
  await page.locator(".inspector__foot", { hasText: "Number of trees changed from 100 to 30" }).waitFor();
  const changed = await metricsOf(page, "evaluate");
  assert.notDeepEqual(changed, first);

  // An own table, dropped on the page, stands in a pipeline of its own.
  await page.getByRole("button", { name: "Millrace: all pipelines" }).click();
  await dropFile(page, "shop.csv", shopCsv());
  await card(page, "import-file").waitFor();
  await finished(page);
  await page.getByText(/of 240/).waitFor();

  // A pipeline from nothing: dragged from the palette, clicked, and found by a double-click on the canvas.
  const canvas = await page.locator("#canvas").boundingBox();
  await paletteItem(page, "Split Data").dragTo(page.locator("#canvas"), { targetPosition: { x: canvas.width / 2, y: canvas.height / 2 } });
  await card(page, "split-data").waitFor();
  await page.locator("#canvas").press("Escape");
  await paletteItem(page, "Decision Forest").click();
  await card(page, "decision-forest").waitFor();
  await page.locator("#canvas").press("Escape");
  for (const [title, node] of [["Train Model", "train-model"], ["Score Model", "score-model"], ["Evaluate Model", "evaluate-model"]]) {
    await page.getByRole("button", { name: "Fit everything into view" }).click();
    await idle(page);
    const spot = await emptySpot(page);
    await page.mouse.dblclick(spot.x, spot.y);
    await page.getByRole("combobox", { name: "Add a component" }).fill(title);
    await page.getByRole("option", { name: new RegExp(`^${title}`) }).click();
    await card(page, node).waitFor();
    await page.locator("#canvas").press("Escape");
  }
  await page.getByRole("button", { name: "Tidy up" }).click();
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);

  // From port to port; what was joined on the way is joined already.
  const links = [
    ["import-file", "out:table", "split-data", "in:table"],
    ["decision-forest", "out:learner", "train-model", "in:learner"],
    ["split-data", "out:train", "train-model", "in:table"],
    ["train-model", "out:model", "score-model", "in:model"],
    ["split-data", "out:test", "score-model", "in:table"],
    ["score-model", "out:scored", "evaluate-model", "in:scored"],
  ];
  for (const [from, output, to, input] of links) {
    await drag(page, port(page, from, output), port(page, to, input));
  }
  assert.equal(await nConnections(page), links.length);
  await page.getByRole("button", { name: "Tidy up" }).click();
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);

  // Settings: a number, a switch, the target by its real name.
  await setNumber(page, "decision-forest", "n_trees", 25);
  await card(page, "train-model").click();
  await param(page, "target").selectOption("returned");
  await idle(page);
  await page.getByRole("tab", { name: /^Problems/ }).click();
  await page.getByText("Nothing is wrong").waitFor();
  await runAll(page);
  assert.equal((await states(page))["evaluate-model"], "ran");
  const own = await metricsOf(page, "evaluate-model");
  assert.ok(Number(own.Accuracy) > 0.8, `accuracy ${own.Accuracy}`);

  // The link carries the small table along, and gives the same figures in another profile.
  const link = await copyLink(page);
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
  assert.deepEqual(await metricsOf(other.page, "evaluate-model"), own);
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
  assert.equal(await nConnections(page), 1);
});

scenario("the canvas with the mouse: pan, zoom, box, move, copy, delete, and every step back", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  const placeOf = async (node) => {
    const { x, y } = await card(page, node).boundingBox();
    return { x: Math.round(x), y: Math.round(y) };
  };
  const percent = () => page.locator(".canvas__percent").innerText();
  const before = await placeOf("tree");

  // The wheel pans; with Ctrl it zooms and keeps in place what lies under the pointer.
  const { x, y } = await middle(card(page, "split"));
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, 60);
  await idle(page);
  assert.deepEqual(await placeOf("tree"), { x: before.x, y: before.y - 60 });
  await page.mouse.wheel(0, -60);
  await idle(page);
  const zoomedFrom = await percent();
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  await idle(page);
  assert.notEqual(await percent(), zoomedFrom);
  const under = await middle(card(page, "split"));
  assert.ok(Math.abs(under.x - x) < 2 && Math.abs(under.y - y) < 2, "the node under the pointer stays there");
  await page.getByRole("button", { name: "Zoom out" }).click();
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);
  // The middle button pulls the canvas along.
  const spot = await emptySpot(page);
  const fitted = await placeOf("tree");
  await page.mouse.move(spot.x, spot.y);
  await page.mouse.down({ button: "middle" });
  await page.mouse.move(spot.x - 30, spot.y + 20, { steps: 3 });
  await page.mouse.up({ button: "middle" });
  await idle(page);
  assert.deepEqual(await placeOf("tree"), { x: fitted.x - 30, y: fitted.y + 20 });
  await page.getByRole("button", { name: "Fit everything into view" }).click();
  await idle(page);

  // A box selects what it touches; the selection moves as one, and one step takes the move back.
  const canvas = await page.locator("#canvas").boundingBox();
  await page.mouse.move(canvas.x + 12, canvas.y + 12);
  await page.mouse.down();
  await page.mouse.move(canvas.x + canvas.width - 30, canvas.y + canvas.height - 70, { steps: 5 });
  await page.mouse.up();
  await idle(page);
  assert.equal(await page.locator(".node-card--selected").count(), 6);
  const [tree, data] = [await placeOf("tree"), await placeOf("data")];
  const held = await middle(card(page, "data"));
  await drag(page, card(page, "data"), { x: held.x + 64, y: held.y });
  const moved = await placeOf("tree");
  const dx = moved.x - tree.x;
  assert.ok(Math.abs(dx - 64) < 12, `moved by ${dx}`);
  assert.equal((await placeOf("data")).x - data.x, dx);
  await page.getByRole("button", { name: "Undo" }).click();
  await idle(page);
  assert.deepEqual(await placeOf("tree"), tree);
  await page.getByRole("button", { name: "Redo" }).click();
  await idle(page);
  assert.deepEqual(await placeOf("tree"), moved);

  // Copy and paste, by the menu of the right button.
  await page.locator("#canvas").press("Escape");
  await card(page, "tree").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Copy" }).click();
  const free = await emptySpot(page);
  await page.mouse.click(free.x, free.y, { button: "right" });
  await page.getByRole("menuitem", { name: "Paste" }).click();
  await card(page, "decision-tree").waitFor();
  assert.equal((await nodes(page)).length, 7);

  // Delete, an edge too, and everything back again.
  await card(page, "train").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await card(page, "train").waitFor({ state: "detached" });
  assert.equal(await nConnections(page), 3);
  await page.getByRole("button", { name: "Undo" }).click();
  await card(page, "train").waitFor();
  assert.equal(await nConnections(page), 6);
  // An edge pulled off its input and let go over the ground is gone; the search it opens is closed with Escape.
  const end = await emptySpot(page);
  await drag(page, port(page, "evaluate", "in:scored"), end);
  assert.equal(await nConnections(page), 5);
  await page.getByRole("button", { name: "Undo" }).click();
  await idle(page);
  assert.equal(await nConnections(page), 6);
  await saved(page);
});

scenario("ports that do not fit dim, and say why", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  const from = await middle(port(page, "tree", "out:learner"));
  const to = await middle(port(page, "split", "in:table"));
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x - 60, to.y - 20, { steps: 4 });
  await page.locator('[data-node-id="split"] [data-port="in:table"].port--unfit').waitFor();
  await page.locator('[data-node-id="train"] [data-port="in:learner"].port--fits').waitFor();
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
  await page.locator(".toast", { hasText: "Decision Tree gives an untrained learner, but Split Data takes a table" }).waitFor();
});
