//! `cargo xtask bench gpu`: a step of a network on the GPU, beside TensorFlow.js' WebGPU backend in the same browser on the
//! same adapter, in turns. Where there is no GPU the adapter is a program on the CPU.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { chromium } from "playwright-core";
import { flags } from "../flags.js";
import { coresFree } from "./cores.js";

const require = createRequire(import.meta.url);
/// As `learn::neural::pace` measures them.
const NETWORKS = [
  { widths: [784, 512, 512, 10], batch: 512 },
  { widths: [20, 64, 64, 2], batch: 128 },
];
/// Of TensorFlow.js' time.
const BAR = 0.7;
/// Of the products that the CPU does in WASM where nothing comes from memory.
const PRODUCTS_BAR = 0.8;
/// For `cargo xtask test speed` one is enough: what is held is far from its bar.
const N_ROUNDS = process.argv.includes("--short") ? 1 : 3;

const SCRIPTS = {
  "/core.js": "@tensorflow/tfjs-core/dist/tf-core.min.js",
  "/layers.js": "@tensorflow/tfjs-layers/dist/tf-layers.min.js",
  "/cpu.js": "@tensorflow/tfjs-backend-cpu/dist/tf-backend-cpu.min.js",
  "/webgpu.js": "@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js",
};

const server = createServer(async ({ url }, answer) => {
  if (SCRIPTS[url]) {
    answer.setHeader("content-type", "text/javascript");
    answer.end(await readFile(require.resolve(SCRIPTS[url])));
  } else {
    answer.setHeader("content-type", "text/html");
    answer.end(Object.keys(SCRIPTS).map((script) => `<script src="${script}"></script>`).join("\n"));
  }
}).listen(0);

const adapter = process.argv.includes("--own-gpu")
  ? ["--enable-unsafe-webgpu", "--enable-features=Vulkan,WebGPU"]
  : ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan,WebGPU", "--use-vulkan=swiftshader"];
const browser = await chromium.launch({
  executablePath: process.env.MILLRACE_CHROMIUM,
  args: [...flags, ...adapter],
});

/// Products of a weight and a number of the batch in a step.
function nProducts({ widths, batch }) {
  return 3 * batch * widths.slice(1).reduce((sum, width, at) => sum + width * widths[at], 0);
}

/// Seconds of a step of each network: on the CPU, on the GPU, and what the GPU is called.
async function ours() {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(process.env.MILLRACE_URL);
  await page.waitForSelector('html[data-idle="true"]', { state: "attached", timeout: 60_000 });
  await page.getByRole("button", { name: "New pipeline" }).first().click();
  await page.locator("#compute").click();
  await page.locator("#gpu-measure").click();
  await page.waitForFunction(() => document.getElementById("gpu-pace").textContent, undefined, { timeout: 300_000 });
  const told = await page.locator("#gpu-pace").innerText();
  const kept = await page.evaluate(() => localStorage.getItem("millrace.paces"));
  await page.context().close();
  if (!kept) {
    console.log(`not measured: ${told}`);
    return undefined;
  }
  const [cpuFixed, cpuEach, gpuFixed, gpuEach] = kept.split(" ").map(Number);
  return {
    name: told.split("\n")[0],
    productsPerSec: 1 / cpuEach,
    cpu: NETWORKS.map((network) => cpuFixed + cpuEach * nProducts(network)),
    gpu: NETWORKS.map((network) => gpuFixed + gpuEach * nProducts(network)),
  };
}

/// The same by TensorFlow.js' core operations: rows stay on the GPU, and only the last loss comes back.
async function theirs() {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://localhost:${server.address().port}/`);
  const secs = [];
  for (const network of NETWORKS) {
    secs.push(await page.evaluate(stepsOfTensorFlow, network));
  }
  await page.context().close();
  return secs;
}

/// Products and sums a second of a loop that keeps all its numbers in registers, four side by side as our kernels.
async function mostProducts() {
  const module = binaryen.parseText(loopInRegisters());
  module.setFeatures(binaryen.Features.All);
  const bytes = [...module.emitBinary()];
  const page = await (await browser.newContext()).newPage();
  const perSec = await page.evaluate(async ([bytes, nProducts]) => {
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
    const nTurns = 250_000;
    let best = Infinity;
    // At first it is translated quickly, and later well.
    for (let round = 0; round < 100; round += 1) {
      const started = performance.now();
      instance.exports.turn(nTurns);
      best = Math.min(best, performance.now() - started);
    }
    return (nTurns * nProducts * 1_000) / best;
  }, [bytes, 4 * N_SUMS * N_MOVES]);
  await page.context().close();
  return perSec;
}

/// Numbers that move side by side: enough that none waits for another, and no more than there are registers.
const N_SUMS = 12;
/// Moves of each in a turn of the loop, so that turning takes no time to speak of.
const N_MOVES = 8;

function loopInRegisters() {
  const sums = Array.from({ length: N_SUMS }, (_, at) => `$sum${at}`);
  // Each product is of a number that moves, or it could be computed once for all turns.
  const move = (sum) => `(local.set ${sum} (f32x4.add (f32x4.mul (local.get ${sum}) (local.get $y)) (local.get $z)))`;
  const turn = sums.map(move).join("\n").concat("\n").repeat(N_MOVES);
  const total = sums.map((sum) => `(local.get ${sum})`).reduce((all, sum) => `(f32x4.add ${all} ${sum})`);
  return `(module (func (export "turn") (param $n i32) (result f32)
    (local $y v128) (local $z v128) ${sums.map((sum) => `(local ${sum} v128)`).join(" ")}
    (local.set $y (f32x4.splat (f32.const 0.5)))
    (local.set $z (f32x4.splat (f32.const 0.25)))
    (loop $next
      ${turn}
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (f32x4.extract_lane 0 ${total})))`;
}

async function stepsOfTensorFlow({ widths, batch }) {
  const { tf } = globalThis;
  await tf.setBackend("webgpu");
  await tf.ready();
  const layers = widths.slice(1).map((width, at) => ({
    weights: tf.variable(tf.randomUniform([widths[at], width], -0.05, 0.05)),
    biases: tf.variable(tf.zeros([width])),
  }));
  const rows = tf.randomUniform([batch, widths[0]]);
  const wanted = tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, row) => row % 2), "int32"), widths.at(-1));
  const network = () =>
    layers.reduce((inputs, { weights, biases }, at) => {
      const sums = tf.add(tf.matMul(inputs, weights), biases);
      return at + 1 < layers.length ? tf.relu(sums) : sums;
    }, rows);
  const optimizer = tf.train.adam(1e-3);
  const step = () => optimizer.minimize(() => tf.losses.softmaxCrossEntropy(wanted, network()), true);
  // So many steps go to the GPU together as take some tens of milliseconds, as ours do.
  let nAtOnce = 1;
  let best = Infinity;
  const began = performance.now();
  // The first round translates its programs; a program that acts as a GPU takes seconds for a step.
  for (let round = 0; round < 2 || performance.now() - began < 2_000; round += 1) {
    const started = performance.now();
    let loss;
    for (let at = 0; at < nAtOnce; at += 1) {
      loss?.dispose();
      loss = step();
    }
    await loss.data();
    loss.dispose();
    const ms = performance.now() - started;
    best = Math.min(best, ms / nAtOnce);
    nAtOnce = Math.max(1, Math.min(4 * nAtOnce, Math.floor((nAtOnce * 30) / ms)));
  }
  return best / 1_000;
}

const figures = [];
try {
  const rounds = [];
  for (let round = 0; round < N_ROUNDS; round += 1) {
    const [cores, found] = [await coresFree(), await ours()];
    if (found) {
      rounds.push({ cores, ours: found, most: await mostProducts(), theirs: await theirs() });
    }
  }
  tell(rounds);
} finally {
  await browser.close();
  server.close();
}
if (process.env.MILLRACE_FIGURES) {
  writeFileSync(process.env.MILLRACE_FIGURES, JSON.stringify(figures));
}

/// Prints what was found, and keeps what has a bar.
function tell(rounds) {
  if (rounds.length === 0) {
    return;
  }
  const least = (of) => Math.min(...rounds.map(of));
  const most = (of) => Math.max(...rounds.map(of));
  console.log(rounds[0].ours.name);
  console.log(`${"a step".padEnd(32)}${["CPU ms", "GPU ms", "TensorFlow.js ms", "times"].map((head) => head.padStart(18)).join("")}`);
  const cores = most(({ cores }) => cores);
  const [reached, ceiling] = [most(({ ours }) => ours.productsPerSec), most((round) => round.most)];
  console.log(`products on the CPU: ${((2 * reached) / 1e9).toFixed(1)} GFLOP/s, and ${((2 * ceiling) / 1e9).toFixed(1)} where nothing comes from memory`);
  figures.push({ what: "products in WASM beside a loop without memory", measured: reached / ceiling, unit: "times", bar: PRODUCTS_BAR, cores });
  NETWORKS.forEach(({ widths, batch }, at) => {
    const what = `${widths.join("-")}, batch ${batch}`;
    const [cpu, gpu, tf] = [
      least(({ ours }) => ours.cpu[at]),
      least(({ ours }) => ours.gpu[at]),
      least(({ theirs }) => theirs[at]),
    ];
    const shown = [cpu * 1e3, gpu * 1e3, tf * 1e3, gpu / tf].map((figure) => figure.toFixed(3).padStart(18)).join("");
    console.log(`${what.padEnd(32)}${shown}`);
    figures.push({ what: `${what}: a step on the GPU beside TensorFlow.js'`, measured: gpu / tf, unit: "parts", bar: BAR, cores });
  });
}
