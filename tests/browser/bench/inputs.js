//! What the measurements work on: made here, the same each time.

import { createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../target/bench");
const N_ROWS = 1_000_000;

/// A CSV of a million rows and twenty columns of every kind, 180 MB, made once.
export async function millionRows() {
  const path = join(FOLDER, "million.csv");
  if (existsSync(path)) {
    return path;
  }
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = `${path}.part`;
  const file = createWriteStream(unfinished);
  file.write(COLUMNS.map(([name]) => name).join(",") + "\n");
  const next = generator(1);
  for (let first = 0; first < N_ROWS; first += 1_000) {
    let piece = "";
    for (let row = first; row < first + 1_000; row += 1) {
      piece += COLUMNS.map(([, value]) => value(next, row)).join(",") + "\n";
    }
    if (!file.write(piece)) {
      await once(file, "drain");
    }
  }
  file.end();
  await once(file, "finish");
  renameSync(unfinished, path);
  return path;
}

const number = (next) => (next() * 2_000 - 1_000).toFixed(6);
const pick = (values) => (next) => values[Math.floor(next() * values.length)];
const hex = (next) => Math.floor(next() * 4_294_967_296).toString(16).padStart(8, "0");
const moment = (next) => new Date(1_600_000_000_000 + Math.floor(next() * 1e8) * 1_000).toISOString().slice(0, 19);

const COLUMNS = [
  ["id", (_, row) => row + 1],
  ["code", (next) => hex(next) + hex(next)],
  ["opened", moment],
  ["closed", (next) => (next() < 0.2 ? "" : moment(next))],
  ["country", pick(["NL", "DE", "FR", "ES", "IT", "PL"])],
  ["plan", pick(["basic", "plus", "premium"])],
  ["shop", (next) => `shop ${Math.floor(next() * 5_000)}`],
  ["active", pick(["true", "false"])],
  ["visits", (next) => Math.floor(next() * 1_000)],
  ["points", (next) => Math.floor(next() * 1_000_000)],
  ...["a", "b", "c", "d", "e", "f", "g", "h", "i"].map((letter) => [`value_${letter}`, number]),
  ["rare", (next) => (next() < 0.5 ? "NA" : number(next))],
];

/// Numbers in [0, 1) that are the same each time: mulberry32.
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/// A pipeline of 500 nodes: a hundred times data, split, learner, training and score, ten beside each other.
export function fiveHundredNodes() {
  const [nodes, edges] = [{}, {}];
  for (let group = 0; group < 100; group += 1) {
    const [left, top] = [(group % 10) * 560, Math.floor(group / 10) * 620];
    const place = (name, component, x, y) => {
      nodes[`${name}-${group}`] = { component: `${component}@1`, position: [left + x, top + y] };
    };
    place("data", "data.sample-datasets", 280, 0);
    place("split", "split.split-data", 280, 130);
    place("tree", "learn.decision-tree", 0, 130);
    place("train", "train.train-model", 140, 260);
    place("score", "score.score-model", 280, 390);
    edges[`split-${group}.table`] = `data-${group}.table`;
    edges[`train-${group}.learner`] = `tree-${group}.learner`;
    edges[`train-${group}.table`] = `split-${group}.train`;
    edges[`score-${group}.model`] = `train-${group}.model`;
    edges[`score-${group}.table`] = `split-${group}.test`;
  }
  return JSON.stringify({ edges, format: 1, millrace: "pipeline", name: "Five hundred nodes", nodes, seed: 1 });
}
