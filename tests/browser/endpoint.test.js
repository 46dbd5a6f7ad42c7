//! The endpoint that lives in the browser: the service worker, asked by a page as any page would ask a server.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before } from "node:test";
import { CASES } from "./conformance.js";
import { open, scenario } from "./harness.js";
import { asker, controlled, deployed } from "./service_worker.js";

const ROOT = join(import.meta.dirname, "../..");
const PROGRAM = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/millrace");
const PIPELINE = join(ROOT, "tests/golden/pipelines/web_service.json");
/// What a browser says of every answer that is not 2xx.
const REFUSALS = { expected: /Failed to load resource: the server responded with a status of [45]/ };

const packages = [];

before(() => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  for (const [at, settings] of [[], ["--set", "logistic.l2_weight=10"]].entries()) {
    const file = join(folder, `${at}.millrace`);
    const { status, stderr } = spawnSync(PROGRAM, ["register", PIPELINE, ...settings, "--out", file], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    packages.push(readFileSync(file));
  }
});

/// A page that the service worker controls, with the endpoint that the cases expect.
async function served(profile) {
  await open(profile);
  await controlled(profile.page);
  const ask = asker(profile.page);
  await deployed(ask, "churn", packages);
  return ask;
}

scenario("the endpoint in the browser conforms to the protocol", REFUSALS, async (profile) => {
  const ask = await served(profile);
  for (const [name, body] of Object.entries(CASES)) {
    await body(ask).catch((error) => {
      error.message = `${name}: ${error.message}`;
      throw error;
    });
  }
});

scenario("what was counted outlives a service worker that the browser ends", async (profile) => {
  const ask = await served(profile);
  const { page, context } = profile;
  const devtools = await context.newCDPSession(page);
  await devtools.send("ServiceWorker.enable");
  const sample = await sampleOf(ask);
  const [N_KILLS, N_EACH] = [20, 50];
  for (let kill = 0; kill < N_KILLS; kill++) {
    await page.evaluate(
      async ([body, n]) => {
        const headers = { "content-type": "application/json" };
        for (let at = 0; at < n; at++) {
          const answer = await fetch("v2/models/churn/infer", { method: "POST", headers, body });
          if (answer.status !== 200) {
            throw new Error(await answer.text());
          }
          await answer.text();
        }
      },
      [sample, N_EACH],
    );
    await devtools.send("ServiceWorker.stopAllWorkers");
  }
  const stats = await ask("GET", "/v2/models/churn/stats");
  const { model_stats } = JSON.parse(new TextDecoder().decode(stats.bytes));
  const n = model_stats.reduce((sum, { inference_stats }) => sum + inference_stats.success.count, 0);
  assert.ok(n <= N_KILLS * N_EACH, `${n} of ${N_KILLS * N_EACH} requests were counted`);
  assert.ok(n >= 0.999 * N_KILLS * N_EACH, `${n} of ${N_KILLS * N_EACH} requests were counted`);
});

scenario("bodies that are no requests do not bring it down", REFUSALS, async (profile) => {
  const ask = await served(profile);
  const sample = await sampleOf(ask);
  const bodies = {
    nothing: "",
    "cut off": sample.slice(0, -20),
    "not JSON": "\u0000\u0001\u0002",
    "deeply nested": `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    "not a number": sample.replace(/"data":\[[\d.]+\]/, '"data":[NaN]'),
    "2^63": sample.replace(/"data":\[\d+\]/, '"data":[9223372036854775808]'),
    "wrong types": sample.replaceAll(/"data":\[[^\]]*\]/g, '"data":[{}]'),
    "too large": " ".repeat((8 << 20) + 1),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const answer = await ask("POST", "/v2/models/churn/infer", { headers: { "content-type": "application/json" }, body });
    const told = JSON.parse(new TextDecoder().decode(answer.bytes));
    // A column that may have gaps takes NaN as one.
    const isTaken = name === "not a number" && answer.status === 200;
    assert.ok(isTaken || (answer.status >= 400 && answer.status < 500 && told.error && told.code), `${name}: ${answer.status}`);
  }
  const answer = await ask("POST", "/v2/models/churn/infer", { headers: { "content-type": "application/json" }, body: sample });
  assert.equal(answer.status, 200);
});

scenario("requests to other addresses are none of its business", REFUSALS, async (profile) => {
  await served(profile);
  const { page } = profile;
  // A server of the same site that speaks the protocol outside the studio's folder is not answered for.
  const isOurs = await page.evaluate(async () => {
    const below = await fetch("v2/health/live");
    const beside = await fetch("nothing/v2/health/live");
    return [below.status, beside.status];
  });
  assert.deepEqual(isOurs, [200, 404]);
});

async function sampleOf(ask) {
  const { bytes } = await ask("GET", "/v2/models/churn/docs/dataplane.json");
  const docs = JSON.parse(new TextDecoder().decode(bytes));
  return JSON.stringify(docs.paths["/v2/models/churn/infer"].post.requestBody.content["application/json"].example);
}
