//! A network while it learns: looked at, paused, sent on by a pass, stopped, and gone on with.

import assert from "node:assert/strict";
import { pipelineJson } from "./data.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { card, finished, inState, openFile, runAll, setNumber, states } from "./studio.js";

const PETALS = pipelineJson(
  "Petals",
  {
    data: ["data.sample-datasets@1", { dataset: "iris" }],
    petals: ["transform.select-columns@1", { columns: { names: ["petal_length", "petal_width", "species"] } }],
    network: ["learn.neural-network@1", { hidden_nodes: "512, 256", iterations: 10_000, patience: 1_000, learning_rate: 0.000001, tolerance: 0 }],
    train: ["train.train-model@1"],
  },
  { "petals.table": "data.table", "train.learner": "network.learner", "train.table": "petals.table" },
);

/// Two networks that do not wait for each other, so that two workers train one each.
const BOTH = pipelineJson(
  "Both",
  {
    data: ["data.sample-datasets@1", { dataset: "iris" }],
    wide: ["learn.neural-network@1", { hidden_nodes: "512, 256", iterations: 10_000, patience: 1_000, learning_rate: 0.000001, tolerance: 0 }],
    deep: ["learn.neural-network@1", { hidden_nodes: "256, 256, 256", iterations: 10_000, patience: 1_000, learning_rate: 0.000001, tolerance: 0 }],
    first: ["train.train-model@1"],
    second: ["train.train-model@1"],
  },
  { "first.learner": "wide.learner", "first.table": "data.table", "second.learner": "deep.learner", "second.table": "data.table" },
);

const DIGITS = pipelineJson(
  "Digits",
  {
    data: ["data.sample-datasets@1", { dataset: "digits" }],
    network: [
      "learn.neural-network@1",
      { columns: "pixels", image: "8x8", hidden_nodes: "conv 16x3, pool 2, 64", iterations: 6, validation_share: 0.2 },
    ],
    train: ["train.train-model@1"],
  },
  { "train.learner": "network.learner", "train.table": "data.table" },
);

/// The passes that are told of beside the buttons.
async function passes(page) {
  const told = page.locator(".output__controls").getByText(/Pass \d+ of/);
  return Number((await told.innerText()).match(/Pass (\d+) of/)[1]);
}

/// Waits until the browser keeps where a training stands.
async function kept(page) {
  await page.waitForFunction(async () => {
    // To open what is not there would make it.
    if (!(await indexedDB.databases()).some(({ name }) => name === "millrace-standings")) {
      return false;
    }
    const settled = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: reject }));
    const database = await settled(indexedDB.open("millrace-standings"));
    const values = await settled(database.transaction("standings").objectStore("standings").getAll());
    database.close();
    return values.some((value) => value.length > 1_000);
  });
}

async function titles(page) {
  return page.locator(".output .chart__title").allInnerTexts();
}

scenario("a network is watched, paused, sent on by a pass, stopped, and goes on from there", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openFile(page, "petals.json", PETALS);
  await card(page, "train").click();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "train", "running");
  const controls = page.locator(".output__controls");
  await controls.waitFor();
  const shown = await titles(page);
  assert.deepEqual(shown.slice(0, 3), ["Loss in each pass", "species, as predicted", "Accuracy"]);
  assert.match(shown[3], /^One row on its way through the layers: \w+, told \w+ with /);
  assert.equal(shown[4], "Weights");
  const before = await passes(page);
  await page.waitForFunction((before) => Number(document.querySelector(".output__controls").innerText.match(/Pass (\d+)/)?.[1]) > before + 20, before);

  await controls.getByRole("button", { name: "Pause" }).click();
  await controls.getByText(/, paused$/).waitFor();
  const paused = await passes(page);
  assert.equal(await page.getByRole("button", { name: "Resume the run" }).count(), 1);
  await assertAccessible(page, "a network under way, paused");
  assert.equal(await passes(page), paused, "it is paused");
  // The first may only end the pass under way; then each is one more.
  const stands = (pass) => controls.getByText(new RegExp(`Pass ${pass} of .*, paused$`));
  const onePass = controls.getByRole("button", { name: "One pass" });
  await onePass.click();
  const isNext = await stands(paused + 1).waitFor({ timeout: 2_000 }).then(() => true, () => false);
  if (!isNext) {
    await onePass.click();
    await stands(paused + 1).waitFor();
  }
  const ended = paused + 1;
  await onePass.click();
  await stands(ended + 1).waitFor();
  // To look away and back shows the same.
  await card(page, "data").click();
  await controls.waitFor({ state: "detached" });
  await card(page, "train").click();
  await stands(ended + 1).waitFor();
  assert.deepEqual((await titles(page)).slice(0, 3), shown.slice(0, 3));

  await page.locator("#stop").click();
  await finished(page);
  const stopped = await page.locator(".dock").innerText();
  const nDone = Number(stopped.match(/It stands after (\d+) passes; the next run goes on from there/)[1]);
  assert.equal(nDone, ended + 1);
  // Another visit knows of it, too.
  await kept(page);
  await page.reload();
  await idle(page);
  await setNumber(page, "network", "iterations", nDone + 5);
  await runAll(page);
  await card(page, "train").click();
  await page.getByText(new RegExp(`It went on after ${nDone} passes, which a run before had done`)).first().waitFor();
  assert.ok((await titles(page)).includes("species, as predicted"));
  await assertAccessible(page, "a network of two columns");
});

scenario("networks on two workers are both watched, and paused together", async (profile) => {
  const { page } = profile;
  await open(profile);
  await page.evaluate(() => localStorage.setItem("millrace.workers", 2));
  await page.reload();
  await idle(page);
  await openFile(page, "both.json", BOTH);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const trainings = ["first", "second"];
  const controls = page.locator(".output__controls");
  const since = new Map();
  for (const node of trainings) {
    await inState(page, node, "running");
    await card(page, node).click();
    await controls.getByText(/Pass \d+ of/).waitFor();
    const shown = await titles(page);
    assert.equal(shown[0], "Loss in each pass");
    const before = await passes(page);
    await page.waitForFunction((before) => Number(document.querySelector(".output__controls").innerText.match(/Pass (\d+)/)?.[1]) > before + 5, before);
  }
  assert.deepEqual([(await states(page)).first, (await states(page)).second], ["running", "running"]);
  await controls.getByRole("button", { name: "Pause" }).click();
  for (const node of trainings) {
    await card(page, node).click();
    await controls.getByText(/, paused$/).waitFor();
    since.set(node, await passes(page));
  }
  for (const node of trainings) {
    await card(page, node).click();
    await controls.getByText(/, paused$/).waitFor();
    assert.equal(await passes(page), since.get(node), `${node} is paused`);
  }
  await controls.getByRole("button", { name: "Resume" }).click();
  for (const node of trainings) {
    await card(page, node).click();
    await page.waitForFunction((before) => {
      const told = document.querySelector(".output__controls")?.innerText ?? "";
      return !told.includes("paused") && Number(told.match(/Pass (\d+)/)?.[1]) > before;
    }, since.get(node));
  }
  await page.locator("#stop").click();
  await finished(page);
  assert.deepEqual([(await states(page)).first, (await states(page)).second], ["cancelled", "cancelled"]);
});

scenario("a network is trained to its end while its tab is hidden", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openFile(page, "digits.json", DIGITS);
  // What a browser does to a tab that nobody sees: no frames, and timers once a second. No headless browser hides one.
  await page.evaluate(() => {
    const { setTimeout, requestAnimationFrame } = window;
    const held = [];
    const hide = (isHidden) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, value: isHidden ? "hidden" : "visible" });
      Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
      window.requestAnimationFrame = isHidden ? (call) => -held.push(call) : requestAnimationFrame;
      window.setTimeout = isHidden ? (call, ms = 0, ...given) => setTimeout(call, Math.max(ms, 1_000), ...given) : setTimeout;
      document.dispatchEvent(new Event("visibilitychange"));
    };
    window.show = () => {
      hide(false);
      held.splice(0).forEach((call) => requestAnimationFrame(call));
    };
    document.querySelector("#run").click();
    hide(true);
  });
  for (const began = Date.now(); (await states(page)).train !== "ran"; ) {
    assert.ok(Date.now() - began < 60_000, JSON.stringify(await states(page)));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await page.evaluate(() => window.show());
  await idle(page);
  await card(page, "train").click();
  await page.getByRole("tab", { name: "Output", exact: true }).first().click();
  await page.locator(".pictures").first().waitFor();
});

scenario("a network of images shows its filters and what they find", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openFile(page, "digits.json", DIGITS);
  await runAll(page);
  await card(page, "train").click();
  await page.getByRole("tab", { name: "Output", exact: true }).first().click();
  await page.locator(".pictures").first().waitFor();
  await idle(page);
  const groups = await page.locator(".pictures__group h4").allInnerTexts();
  assert.ok(groups.some((group) => group.startsWith("Layer 1: 16 findings of 6 × 6")), groups.join("\n"));
  assert.ok(groups.some((group) => group.startsWith("Layer 2: the largest, 3 × 3")), groups.join("\n"));
  // 8 × 8 pixels, of which some are painted.
  const first = page.locator(".pictures__one").first();
  const nPainted = await first.evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.width, canvas.height, data.filter((value, at) => at % 4 === 3 && value > 0).length];
  });
  assert.deepEqual(nPainted.slice(0, 2), [8, 8]);
  assert.ok(nPainted[2] > 10, String(nPainted));
  await assertAccessible(page, "a network of images", page.locator(".pictures").first());
});
