//! Tables and pipelines that scenarios and measurements make for themselves.

import { createWriteStream, existsSync, mkdirSync, statSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

const OUTPUT = join(import.meta.dirname, "../output");

/// A table of yes and no that can be learned: two numbers, a category, an id.
export function shopCsv(nRows = 240) {
  const lines = ["id,visits,basket,country,returned"];
  for (let row = 0; row < nRows; row += 1) {
    const visits = (row * 7) % 23;
    const basket = ((row * 13) % 97) / 2;
    const country = ["NL", "DE", "FR"][row % 3];
    lines.push(`${row + 1},${visits},${basket},${country},${visits + basket / 8 > 14 ? "yes" : "no"}`);
  }
  return lines.join("\n") + "\n";
}

/// A CSV of a million rows and twenty columns, about 180 MB, made once.
export async function millionRows() {
  const [nRows, nColumns] = [1_000_000, 20];
  const path = join(OUTPUT, "million.csv");
  if (existsSync(path) && statSync(path).size > 170_000_000) {
    return path;
  }
  mkdirSync(OUTPUT, { recursive: true });
  const file = createWriteStream(path);
  file.write(Array.from({ length: nColumns }, (_, column) => `column_${column + 1}`).join(",") + "\n");
  let state = 1;
  for (let first = 0; first < nRows; first += 1_000) {
    let piece = "";
    for (let row = 0; row < 1_000; row += 1) {
      for (let column = 0; column < nColumns; column += 1) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        piece += (state / 4_294_967_296).toFixed(6) + (column + 1 < nColumns ? "," : "\n");
      }
    }
    if (!file.write(piece)) {
      await once(file, "drain");
    }
  }
  file.end();
  await once(file, "finish");
  return path;
}
