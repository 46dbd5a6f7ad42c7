// TensorFlow.js' network on one thread of WASM with SIMD, on the rows of `tests/reference/engine_speed.py`, which runs it:
//
//     node tfjs.js FOLDER
//
// One line of JSON, as every library there prints it.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs-core");
// It brings the gradients.
require("@tensorflow/tfjs-layers");
const wasm = require("@tensorflow/tfjs-backend-wasm");

const N_HIDDEN = 128;
const N_CLASSES = 10;
const N_PASSES = 3;
const BATCH = 128;
const LEARNING_RATE = 1e-3;

/// Rows of 64-bit numbers: how many rows and columns there are, then row by row, the class last.
function read(file) {
  const bytes = fs.readFileSync(file);
  const numbers = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  const [nRows, nColumns] = numbers;
  const x = new Float32Array(nRows * nColumns);
  const y = new Int32Array(nRows);
  for (let row = 0; row < nRows; row += 1) {
    const first = 2 + row * (nColumns + 1);
    x.set(numbers.subarray(first, first + nColumns), row * nColumns);
    y[row] = numbers[first + nColumns];
  }
  return { x, y, nRows, nColumns };
}

/// The core operations alone: its layers take longer.
function fit({ x, y, nRows, nColumns }) {
  const drawn = (shape, bound) => tf.variable(tf.randomUniform(shape, -bound, bound, "float32", 1));
  const weights = [drawn([nColumns, N_HIDDEN], 0.08), drawn([N_HIDDEN, N_CLASSES], 0.2)];
  const biases = [tf.variable(tf.zeros([N_HIDDEN])), tf.variable(tf.zeros([N_CLASSES]))];
  const sums = (inputs, layer) => tf.add(tf.matMul(inputs, weights[layer]), biases[layer]);
  const network = (inputs) => sums(tf.relu(sums(inputs, 0)), 1);
  const optimizer = tf.train.adam(LEARNING_RATE);
  for (let pass = 0; pass < N_PASSES; pass += 1) {
    const order = tf.util.createShuffledIndices(nRows);
    for (let first = 0; first < nRows; first += BATCH) {
      const n = Math.min(BATCH, nRows - first);
      const inputs = new Float32Array(n * nColumns);
      const classes = new Int32Array(n);
      for (let at = 0; at < n; at += 1) {
        const row = order[first + at];
        inputs.set(x.subarray(row * nColumns, (row + 1) * nColumns), at * nColumns);
        classes[at] = y[row];
      }
      tf.tidy(() => {
        const batch = tf.tensor2d(inputs, [n, nColumns]);
        const wanted = tf.oneHot(tf.tensor1d(classes, "int32"), N_CLASSES);
        optimizer.minimize(() => tf.losses.softmaxCrossEntropy(wanted, network(batch)));
      });
    }
  }
  return network;
}

function predicted(network, { x, nRows, nColumns }) {
  return tf.tidy(() => tf.argMax(network(tf.tensor2d(x, [nRows, nColumns])), 1).dataSync());
}

function memoryMb(what) {
  const text = fs.readFileSync("/proc/self/status", "utf8");
  return (Number(new RegExp(`${what}:\\s+(\\d+)`).exec(text)[1]) * 1024) / 1e6;
}

/// What the process has had of the CPU. The compiler of the browser's engine has threads of its own.
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

const [folder] = process.argv.slice(2);
wasm.setThreadsCount(1);
wasm.setWasmPaths(`${path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
await tf.setBackend("wasm");
await tf.ready();
const training = read(path.join(folder, "network-training.f64"));
const others = read(path.join(folder, "network-others.f64"));
// The first fit only makes its code fast.
fit({ ...training, nRows: 2_000 });
const before = memoryMb("VmRSS");
fs.writeFileSync("/proc/self/clear_refs", "5");
let started = cpuMs();
const network = fit(training);
const fitMs = cpuMs() - started;
const peakMb = memoryMb("VmHWM") - before;
started = cpuMs();
const classes = predicted(network, others);
const predictMs = cpuMs() - started;
const quality = classes.reduce((right, found, row) => right + (found === others.y[row]), 0) / others.nRows;
console.log(JSON.stringify({ fit_ms: fitMs, predict_ms: predictMs, quality, peak_mb: peakMb }));
