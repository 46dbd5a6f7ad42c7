//! The golden pipelines in the real worker: the same figures as natively, to the last digit.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { open, scenario } from "./harness.js";
import { GOLDEN_IN_WORKER, ROOT } from "./programs.js";

scenario("the golden pipelines give the native figures in the worker", async (profile) => {
  const { page } = profile;
  await open(profile);
  const program = spawn(GOLDEN_IN_WORKER, [], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => program.on("exit", resolve));
  await page.exposeFunction("fromWorker", (digits) => program.stdin.write(`${digits}\n`));
  await page.evaluate(async () => {
    const worker = new Worker(document.documentElement.dataset.worker, { type: "module" });
    const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
    // Calls to the outside may overtake each other, so each waits for the one before.
    let told = Promise.resolve();
    await new Promise((ready, failed) => {
      worker.onerror = (event) => failed(new Error(event.message));
      worker.onmessage = ({ data }) => {
        if (data === "ready") {
          ready();
        } else {
          told = told.then(() => window.fromWorker(hex(data)));
        }
      };
    });
    window.toWorker = (digits) => {
      const bytes = Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
      worker.postMessage({ bytes: bytes.buffer });
    };
  });
  for await (const digits of createInterface({ input: program.stdout })) {
    await page.evaluate((digits) => window.toWorker(digits), digits);
  }
  assert.equal(await ended, 0, "the worker's figures are not the native ones");
});
