//! The endpoint that lives in the browser: the service worker, asked by a page as any page would ask a server.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before } from "node:test";
import { CASES, nAssertions } from "./conformance.js";
import { open, scenario } from "./harness.js";
import { MILLRACE, ROOT } from "./programs.js";
import { asker, controlled, deployed } from "./service_worker.js";

const PIPELINE = join(ROOT, "tests/golden/pipelines/web_service.json");
/// What a browser says of every answer that is not 2xx.
const REFUSALS = { expected: /Failed to load resource: the server responded with a status of [45]/ };

const packages = [];

before(() => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  for (const [at, settings] of [[], ["--set", "logistic.l2_weight=10"]].entries()) {
    const file = join(folder, `${at}.millrace`);
    const { status, stderr } = spawnSync(MILLRACE, ["register", PIPELINE, ...settings, "--out", file], { encoding: "utf8" });
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
  console.log(`${nAssertions()} assertions in ${Object.keys(CASES).length} cases`);
  assert.ok(nAssertions() >= 80);
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

scenario("a model that fails is loaded anew, and nobody else notices", REFUSALS, async (profile) => {
  const ask = await served(profile);
  const sample = await sampleOf(ask);
  const infer = (fault = "") => ask("POST", "/v2/models/churn/infer", { headers: { "content-type": "application/json", "x-millrace-fault": fault }, body: sample });
  assert.equal((await infer()).status, 200);
  const failed = await infer("panic");
  assert.equal(failed.status, 500);
  assert.equal(told(failed).code, "model.panic");
  assert.equal((await infer()).status, 200);
  // Also those that are under way beside it.
  const faults = Array.from({ length: 20 }, (_, at) => (at % 5 === 2 ? "panic" : "delay=30"));
  const together = await Promise.all(faults.map(infer));
  assert.deepEqual(together.map(({ status }) => status), faults.map((fault) => (fault === "panic" ? 500 : 200)));
  assert.deepEqual(await counted(ask, 23), { 200: 18, 500: 5 });
  const exceptions = told(await ask("GET", "/v2/monitor/exceptions"));
  assert.deepEqual(exceptions.map(({ exception }) => exception), Array(5).fill("model.panic"));
});

scenario("a request may ask to be answered late, and what it took is counted", async (profile) => {
  const ask = await served(profile);
  const headers = { "content-type": "application/json", "x-millrace-fault": "delay=300" };
  assert.equal((await ask("POST", "/v2/models/churn/infer", { headers, body: await sampleOf(ask) })).status, 200);
  await counted(ask, 1);
  const [{ seconds }] = told(await ask("GET", "/v2/monitor/requests"));
  assert.ok(seconds >= 0.3 && seconds < 2, `${seconds} s`);
});

scenario("a very large request goes to a worker of the page, and others are answered meanwhile", async (profile) => {
  const ask = await served(profile);
  const { page } = profile;
  const N_ROWS = 30_000;
  const example = JSON.parse(await sampleOf(ask));
  const started = page.waitForEvent("worker", (worker) => worker.url().endsWith("/sw.js"));
  const outcome = await page.evaluate(
    async ([example, n]) => {
      const request = (inputs) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ inputs }) });
      const ask = async (inputs) => {
        const began = performance.now();
        const answer = await fetch("v2/models/churn/infer", request(inputs));
        const { outputs, error } = await answer.json();
        return { status: answer.status, outputs, error, began, ended: performance.now() };
      };
      const large = example.inputs.map((input) => ({ ...input, shape: [n], data: Array(n).fill(input.data[0]) }));
      const asked = ask(large);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const beside = await ask(example.inputs);
      const { status, outputs, error, ended } = await asked;
      const probabilities = outputs?.find(({ name }) => name === "probabilities").data;
      const width = beside.outputs.find(({ name }) => name === "probabilities").data;
      return {
        status,
        error,
        nBytes: JSON.stringify({ inputs: large }).length,
        isSame: probabilities?.every((value, at) => value === width[at % width.length]),
        n: outputs?.[0].data.length,
        beside: beside.status,
        wasFirst: beside.ended < ended,
      };
    },
    [example, N_ROWS],
  );
  await started;
  assert.ok(outcome.nBytes > 1 << 20, `${outcome.nBytes} bytes are not large`);
  assert.deepEqual(outcome, { ...outcome, status: 200, isSame: true, n: N_ROWS, beside: 200, wasFirst: true });
  assert.deepEqual(await counted(ask, 2), { 200: 2 });
  const minutes = told(await ask("GET", "/v2/monitor/minutes"));
  assert.equal(minutes.reduce((sum, { counts }) => sum + (counts.n_rows ?? 0), 0), N_ROWS + 1);
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

/// The body of an answer.
function told({ bytes }) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/// Waits until so many requests were counted; gives how many had which status.
async function counted(ask, n) {
  for (;;) {
    const requests = told(await ask("GET", "/v2/monitor/requests"));
    if (requests.length >= n) {
      const n = {};
      requests.forEach(({ status }) => (n[status] = (n[status] ?? 0) + 1));
      return n;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function sampleOf(ask) {
  const { bytes } = await ask("GET", "/v2/models/churn/docs/dataplane.json");
  const docs = JSON.parse(new TextDecoder().decode(bytes));
  return JSON.stringify(docs.paths["/v2/models/churn/infer"].post.requestBody.content["application/json"].example);
}
