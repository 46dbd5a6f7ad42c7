//! `millrace serve`, asked over HTTP.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { CASES, nAssertions } from "./conformance.js";
import { MILLRACE, ROOT } from "./programs.js";

const PIPELINE = join(ROOT, "tests/golden/pipelines/web_service.json");

let server;
let address;

function millrace(...asked) {
  const { status, stderr } = spawnSync(MILLRACE, asked, { encoding: "utf8" });
  assert.equal(status, 0, `${asked.join(" ")}: ${stderr}`);
}

before(async () => {
  const registry = ["--registry", join(mkdtempSync(join(tmpdir(), "millrace-")), "registry")];
  millrace("register", PIPELINE, "--name", "churn", ...registry);
  millrace("register", PIPELINE, "--name", "churn", "--set", "logistic.l2_weight=10", "--alias", "challenger", ...registry);
  millrace("deploy", "models:/churn/1", ...registry);
  millrace("deploy", "models:/churn@challenger", "--as", "green", ...registry);
  server = spawn(MILLRACE, ["serve", "--port", "0", ...registry], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: server.stdout })) {
    address = /http:\/\/[^/]+/.exec(line)[0];
    break;
  }
});
after(() => server?.kill());

/// Without the conveniences of `fetch`, which adds a content type of its own.
function ask(method, path, { headers = {}, body = "" } = {}) {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const asked = request(new URL(path, address), { method, headers: { ...headers, "content-length": length } }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, bytes: new Uint8Array(Buffer.concat(pieces)) }));
    });
    // A server may refuse a large body before it has read all of it.
    asked.on("error", reject);
    asked.end(body);
  });
}

for (const [name, body] of Object.entries(CASES)) {
  test(name, () => body(ask));
}

test("at least 80 assertions were made of the server", () => {
  console.log(`${nAssertions()} assertions in ${Object.keys(CASES).length} cases`);
  assert.ok(nAssertions() >= 80);
});

test("MLflow's and Azure's own addresses lead to the only endpoint", async () => {
  const { bytes } = await ask("GET", "/v2/models/churn/docs/dataplane.json");
  const docs = JSON.parse(new TextDecoder().decode(bytes));
  const sample = docs.paths["/v2/models/churn/infer"].post.requestBody.content["application/json"].example;
  const record = Object.fromEntries(sample.inputs.map(({ name, data }) => [name, data[0]]));
  assert.equal((await ask("POST", "/invocations", { body: JSON.stringify({ instances: [record] }) })).status, 200);
  assert.equal((await ask("POST", "/score", { body: JSON.stringify({ data: [record] }) })).status, 200);
  for (const path of ["/ping", "/health", "/version"]) {
    assert.equal((await ask("GET", path)).status, 200, path);
  }
});

test("a page of another site may not stop an endpoint", async () => {
  const answer = await ask("POST", "/v2/repository/models/churn/unload", { headers: { origin: "https://elsewhere.example" } });
  assert.equal(answer.status, 403);
});
