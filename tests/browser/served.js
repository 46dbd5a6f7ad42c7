//! `millrace serve --studio`: a real server with the page under test beside its endpoints.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BUILT } from "./harness.js";
import { MILLRACE, ROOT } from "./programs.js";

const PIPELINE = join(ROOT, "tests/golden/pipelines/web_service.json");

/// Runs the program on a registry of its own.
export function ownRegistry() {
  const folder = join(mkdtempSync(join(tmpdir(), "millrace-")), "registry");
  const millrace = (...asked) => {
    const { status, stdout, stderr } = spawnSync(MILLRACE, [...asked, "--registry", folder], { encoding: "utf8" });
    assert.equal(status, 0, `${asked.join(" ")}: ${stderr}`);
    return stdout;
  };
  return { folder, millrace };
}

/// Two versions of a model; the first has all requests.
export function churn() {
  const registry = ownRegistry();
  registry.millrace("register", PIPELINE, "--name", "churn");
  registry.millrace("register", PIPELINE, "--name", "churn", "--set", "logistic.l2_weight=10");
  registry.millrace("deploy", "models:/churn/1");
  return registry;
}

/// Serves a registry with the studio beside it.
export async function serve({ folder }) {
  const server = spawn(MILLRACE, ["serve", "--port", "0", "--registry", folder, "--studio", BUILT], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /http:\/\/[^/]+/.exec(line)[0];
    return { address, studio: `${address}/studio/`, close: () => server.kill() };
  }
  throw new Error("the server ended before it was ready");
}

/// A request that the endpoint takes, of one row.
export async function sample(address, endpoint) {
  const docs = await (await fetch(`${address}/v2/models/${endpoint}/docs/dataplane.json`)).json();
  return docs.paths[`/v2/models/${endpoint}/infer`].post.requestBody.content["application/json"].example;
}

/// Sends a request and tells the status of its answer.
export async function infer(address, endpoint, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${address}/v2/models/${endpoint}/infer`, { method: "POST", headers, body: JSON.stringify(body) });
  await answer.arrayBuffer();
  return answer.status;
}
