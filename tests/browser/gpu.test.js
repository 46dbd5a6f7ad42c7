//! Networks on the GPU, here a program on the CPU: both ways of computing, and a GPU that is lost on the way.

import assert from "node:assert/strict";
import { pipelineJson } from "./data.js";
import { flags } from "./flags.js";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { card, finished, inState, metricsOf, openFile, runAll, setNumber, states } from "./studio.js";

flags.push(
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan,WebGPU",
  "--use-vulkan=swiftshader",
);

const DIGITS = pipelineJson(
  "Digits",
  {
    data: ["data.sample-datasets@1", { dataset: "digits" }],
    split: ["split.split-data@1", { fraction: 0.7 }],
    network: ["learn.neural-network@1", { hidden_nodes: "64", iterations: 30, patience: 30 }],
    train: ["train.train-model@1"],
    score: ["score.score-model@1"],
    evaluate: ["evaluate.evaluate-model@1"],
  },
  {
    "split.table": "data.table",
    "train.learner": "network.learner",
    "train.table": "split.train",
    "score.model": "train.model",
    "score.table": "split.test",
    "evaluate.scored": "score.scored",
  },
);

/// Whether this browser has an adapter; if not, a word of what is not run.
async function hasAdapter(page) {
  const found = await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
  if (!found) {
    console.log("not run: networks on the GPU; this Chromium offers no adapter, not even one in software");
  }
  return found;
}

/// Opens the menu of what computes.
async function openMenu(page) {
  await page.getByRole("button", { name: /^Compute:/ }).click();
  await page.getByRole("group", { name: "Neural networks" }).waitFor();
}

async function choose(page, name) {
  await openMenu(page);
  await page.getByRole("group", { name: "Neural networks" }).getByRole("radio", { name }).check();
  await page.keyboard.press("Escape");
}

/// What the training says of how it was computed.
async function told(page) {
  await card(page, "train").click();
  await page.getByRole("tab", { name: "Output", exact: true }).first().click();
  await page.locator(".losses, .chart, canvas").first().waitFor();
  await idle(page);
  return page.locator(".dock").innerText();
}

/// The losses of the last two runs, over each other.
async function seeBothLosses(page) {
  const pages = page.getByRole("navigation", { name: "Pages" });
  await pages.getByRole("button", { name: "Runs" }).click();
  const lines = page.locator("[data-run]");
  await lines.nth(1).waitFor();
  await idle(page);
  await lines.nth(1).getByRole("button", { name: /Measure others/ }).click();
  await lines.nth(0).getByRole("button", { name: /Compare run/ }).click();
  await page.getByRole("tab", { name: "Curves" }).click();
  const losses = page.locator(".chart", { hasText: "Loss in each pass" });
  await losses.waitFor();
  // Each has a line for the rows that it is trained on, and one for those held out.
  assert.equal(await losses.locator(".chart__key").count(), 4);
  await assertAccessible(page, "losses on the GPU and on the CPU");
  await pages.getByRole("button", { name: "Design" }).click();
  await card(page, "train").waitFor();
}

scenario("a network learns digits on the GPU, on the CPU, and on the CPU when the GPU is lost", async (profile) => {
  const { page } = profile;
  await open(profile);
  if (!(await hasAdapter(page))) {
    return;
  }
  await openFile(page, "digits.json", DIGITS);
  await openMenu(page);
  await page.locator("#gpu-measure").click();
  await page.locator("#gpu-pace").filter({ hasText: "784-512-512-10" }).waitFor({ timeout: 60_000 });
  await assertAccessible(page, "what computes");
  await page.keyboard.press("Escape");
  await choose(page, /^GPU/);
  await runAll(page);
  assert.match(await told(page), /Computed and rounded by the GPU/);
  await assertAccessible(page, "a network that the GPU trained");
  const onGpu = await metricsOf(page, "evaluate");

  await choose(page, /^CPU/);
  await runAll(page);
  assert.doesNotMatch(await told(page), /GPU/);
  const onCpu = await metricsOf(page, "evaluate");
  assert.ok(Number(onCpu.Accuracy) > 0.93, JSON.stringify(onCpu));
  assert.ok(Math.abs(Number(onGpu.Accuracy) - Number(onCpu.Accuracy)) <= 0.005, `${onGpu.Accuracy} ${onCpu.Accuracy}`);

  await seeBothLosses(page);

  // Another engine, whose GPU is taken away while it is at work.
  await page.reload();
  await idle(page);
  await page.workers()[0].evaluate(() => {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...how) {
      globalThis.device = await request.apply(this, how);
      return globalThis.device;
    };
  });
  await setNumber(page, "network", "iterations", 400);
  await setNumber(page, "network", "patience", 400);
  await choose(page, /^GPU/);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "train", "running");
  await page.getByText(/Pass \d+ of 400/).first().waitFor();
  await page.workers()[0].evaluate(() => globalThis.device.destroy());
  await finished(page);
  assert.ok(Object.values(await states(page)).every((state) => state === "ran"), JSON.stringify(await states(page)));
  assert.match(await told(page), /The CPU computed it, as the GPU did not: the GPU was lost/);
  const afterLoss = await metricsOf(page, "evaluate");
  await choose(page, /^CPU/);
  await runAll(page);
  assert.deepEqual(await metricsOf(page, "evaluate"), afterLoss);
});

const ALIKE = pipelineJson(
  "Alike",
  {
    data: ["data.sample-datasets@1", { dataset: "digits" }],
    split: ["split.split-data@1", { fraction: 0.7 }],
    neighbors: ["learn.k-nearest-neighbors@1"],
    train: ["train.train-model@1"],
    score: ["score.score-model@1"],
    evaluate: ["evaluate.evaluate-model@1"],
    centers: ["learn.k-means@1", { k: 12, n_init: 3 }],
    cluster: ["train.train-clustering-model@1"],
  },
  {
    "split.table": "data.table",
    "train.learner": "neighbors.learner",
    "train.table": "split.train",
    "score.model": "train.model",
    "score.table": "split.test",
    "evaluate.scored": "score.scored",
    "cluster.clusterer": "centers.clusterer",
    "cluster.table": "data.table",
  },
);

/// What is said of a node, once something of it matches.
async function said(page, node, expected) {
  await card(page, node).click();
  await page.getByRole("tab", { name: "Output", exact: true }).first().click();
  await page.getByText(expected).first().waitFor();
  return page.locator("body").innerText();
}

scenario("neighbours and clusters are looked for on the GPU, and figures are the CPU's", async (profile) => {
  const { page } = profile;
  await open(profile);
  if (!(await hasAdapter(page))) {
    return;
  }
  await openFile(page, "alike.json", ALIKE);
  const compared = /Compared by the GPU "[^"]*": figures are the CPU's to the last digit\./;
  const figures = async (expected) => {
    await runAll(page);
    assert.ok(Object.values(await states(page)).every((state) => state === "ran"), JSON.stringify(await states(page)));
    await said(page, "score", expected.score);
    const clusters = await said(page, "cluster", expected.cluster);
    const inertia = clusters.match(/sum of squared distances ([\d.,]+)/)?.[1];
    assert.ok(inertia, clusters);
    return { inertia, metrics: await metricsOf(page, "evaluate") };
  };
  await choose(page, /^GPU/);
  const onGpu = await figures({ score: compared, cluster: compared });
  assert.ok(Number(onGpu.metrics.Accuracy) > 0.95, JSON.stringify(onGpu));

  // Another engine, which has computed nothing yet.
  await page.reload();
  await idle(page);
  await choose(page, /^CPU/);
  const onCpu = await figures({ score: /Rows scored/, cluster: /sum of squared distances/ });
  assert.deepEqual(onGpu, onCpu);
  assert.doesNotMatch(await said(page, "cluster", /sum of squared distances/), /by the GPU/);
});

scenario("a network of images is trained on the GPU, is stopped there, and goes on", async (profile) => {
  const { page } = profile;
  await open(profile);
  if (!(await hasAdapter(page))) {
    return;
  }
  const images = JSON.parse(DIGITS);
  Object.assign(images.nodes.network.params, {
    columns: "pixels",
    image: "8x8",
    hidden_nodes: "conv 8x3, pool 2, 32",
    batch_normalization: true,
    dropout: 0.2,
    iterations: 400,
    patience: 400,
    learning_rate: 0.003,
  });
  await openFile(page, "images.json", JSON.stringify(images));
  await choose(page, /^GPU/);
  await card(page, "train").click();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "train", "running");
  await page.locator(".output__controls").getByText(/Pass ([3-9]|\d\d+) of 400/).waitFor({ timeout: 60_000 });
  await page.locator("#stop").click();
  await finished(page);
  const text = await page.locator(".dock").innerText();
  const stands = Number(text.match(/It stands after (\d+) passes; the next run goes on from there/)?.[1]);
  assert.ok(stands > 0, text);
  await setNumber(page, "network", "iterations", stands + 8);
  await runAll(page);
  assert.match(await told(page), /Computed and rounded by the GPU/);
  await page.getByText(new RegExp(`It went on after ${stands} passes`)).first().waitFor();
  const { Accuracy } = await metricsOf(page, "evaluate");
  assert.ok(Number(Accuracy) > 0.95, Accuracy);
});

scenario("who asks for a GPU where there is none gets the CPU's network, and hears why", async (profile) => {
  const { page } = profile;
  await open(profile);
  await page.workers()[0].evaluate(() => Object.defineProperty(navigator, "gpu", { value: undefined }));
  await openFile(page, "digits.json", DIGITS);
  await openMenu(page);
  await page.locator("#gpu-measure").click();
  await page.locator("#gpu-pace").filter({ hasText: "No GPU: this browser offers no WebGPU here" }).waitFor();
  await page.keyboard.press("Escape");
  await choose(page, /^GPU/);
  await runAll(page);
  assert.match(await told(page), /The CPU computed it, as the GPU did not: this browser offers no WebGPU here/);
});
