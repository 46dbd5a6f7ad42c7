//! From a trained model to a watched endpoint, all in one browser: with a network, and without one.

import assert from "node:assert/strict";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { controlled } from "./service_worker.js";
import { openQuestion, runAll, setNumber } from "./studio.js";

/// What a browser says of every answer that is not 2xx; the broken requests are sent on purpose.
const REFUSALS = /Failed to load resource: the server responded with a status of 400/;
const OFFLINE = /Failed to load resource: (net::ERR_INTERNET_DISCONNECTED|the server responded with a status of 400)/;

async function goTo(page, name) {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("button", { name, exact: true }).click();
  await idle(page);
}

async function register(page, version) {
  await goTo(page, "Models");
  await page.locator("#register").click();
  await page.getByRole("dialog", { name: "Register a model" }).getByText("What happens", { exact: false }).or(page.locator(".models__summary")).first().waitFor();
  await page.getByText(`becomes models:/who-leaves/${version}`).waitFor();
  await assertAccessible(page, "the dialog that registers");
  await page.locator("#register-now").click();
  await page.getByRole("button", { name: `v${version}`, exact: true }).waitFor();
  await idle(page);
}

async function deploy(page, gets) {
  await page.locator("#deploy").click();
  await page.locator("#deploy-gets").selectOption(gets);
  await assertAccessible(page, "the dialog that deploys");
  await page.locator("#deploy-now").click();
  await page.locator("#try-send").waitFor();
  await idle(page);
}

/// Sends rows to the endpoint, some of them without a column; gives how often each version answered and how.
function traffic(page, n, lacking) {
  return page.evaluate(
    async ([n, lacking]) => {
      const docs = await (await fetch("v2/models/who-leaves/docs/dataplane.json")).json();
      const { example } = docs.paths["/v2/models/who-leaves/infer"].post.requestBody.content["application/json"];
      const body = JSON.stringify({ inputs: example.inputs.filter(({ name }) => name !== lacking) });
      const seen = {};
      for (let at = 0; at < n; at++) {
        const headers = { "content-type": "application/json", "x-request-id": `request ${at}` };
        const answer = await fetch("v2/models/who-leaves/infer", { method: "POST", headers, body });
        const { model_version = "none" } = await answer.json();
        const key = `${answer.status} ${model_version}`;
        seen[key] = (seen[key] ?? 0) + 1;
      }
      return seen;
    },
    [n, lacking],
  );
}

async function chooseTab(page, name) {
  await page.getByRole("tab", { name, exact: true }).click();
  await idle(page);
}

async function journey({ page }) {
  // Train, register, deploy.
  await openQuestion(page, /Who leaves/);
  await runAll(page);
  await goTo(page, "Models");
  await assertAccessible(page, "a registry without models");
  await register(page, 1);
  await assertAccessible(page, "the registry");
  await deploy(page, "share 100");

  // Try it: what comes back is what the model says, and a broken row is refused by its column.
  await page.locator("#try-send").click();
  const answer = page.locator(".models__answer");
  await answer.getByText("by v1").waitFor();
  assert.match(await answer.innerText(), /^200/);
  await page.locator("#try-age").fill("many");
  await page.locator("#try-send").click();
  await answer.locator("code", { hasText: "age" }).waitFor();
  assert.match(await answer.innerText(), /^400[^]*expected/);
  await assertAccessible(page, "a request by hand");
  for (const tab of ["Card", "Columns"]) {
    await chooseTab(page, tab);
    await assertAccessible(page, `a version's ${tab}`);
  }

  // Traffic, and what the monitor says of it.
  assert.deepEqual(await traffic(page, 30), { "200 1": 30 });
  await goTo(page, "Monitor");
  await page.waitForFunction(() => document.querySelector("#monitor-n-requests")?.textContent.includes("32"), undefined, { timeout: 20_000 });
  assert.equal(await page.locator("#monitor-n-failed dd").innerText(), "1 (3.1 %)");

  // A second version gets a tenth.
  await goTo(page, "Design");
  await setNumber(page, "logistic", "l2_weight", 50);
  await runAll(page);
  await register(page, 2);
  await chooseTab(page, "Compare");
  const other = page.locator("#models-detail thead th").last();
  assert.equal(await other.innerText(), "v1");
  const differences = await page.locator("#models-detail tbody").innerText();
  assert.match(differences, /AUC\s+0\.\d+\s+0\.\d+/);
  assert.match(differences, /Logistic Regression: L2 regularization weight\s+50\s+1\s/);
  await assertAccessible(page, "two versions compared");
  await deploy(page, "share 10");
  const shares = await traffic(page, 200);
  assert.deepEqual(Object.keys(shares).sort(), ["200 1", "200 2"]);
  assert.ok(shares["200 2"] >= 8 && shares["200 2"] <= 36, `version 2 answered ${shares["200 2"]} of 200`);

  // Callers forget a column: the monitor names it, and traffic goes back.
  const broken = await traffic(page, 50, "contract");
  assert.equal(Object.entries(broken).filter(([key]) => key.startsWith("400")).reduce((sum, [, n]) => sum + n, 0), 50);
  await goTo(page, "Monitor");
  const kind = page.locator('[data-exception="schema.missing_column"]').first();
  await kind.waitFor({ timeout: 20_000 });
  await page.waitForFunction(() => document.querySelector('[data-exception="schema.missing_column"]')?.textContent.includes("50"), undefined, { timeout: 20_000 });
  assert.match(await kind.innerText(), /contract/);
  await assertAccessible(page, "two versions that are watched in this browser");
  await page.locator("#monitor-back").click();
  await page.waitForFunction(async () => {
    const { endpoints } = await (await fetch("v2/registry")).json();
    return endpoints["who-leaves"].traffic.blue === 100;
  });
  assert.deepEqual(await traffic(page, 20), { "200 1": 20 });
}

scenario("train, register, deploy, watch, break, roll back", { expected: REFUSALS }, async (profile) => {
  await open(profile);
  await controlled(profile.page);
  await journey(profile);
});

scenario("after one visit all of it works without a network", { expected: OFFLINE }, async (profile) => {
  const { page, context } = profile;
  await open(profile);
  await controlled(page);
  await context.setOffline(true);
  await page.reload();
  await idle(page);
  await journey(profile);
  // And it is still there after a reload.
  await page.reload();
  await idle(page);
  await page.locator("#monitor-n-requests").waitFor();
});

scenario("the studio can be installed", async (profile) => {
  const { page, context } = profile;
  await open(profile);
  await controlled(page);
  const devtools = await context.newCDPSession(page);
  const { errors, url } = await devtools.send("Page.getAppManifest");
  assert.match(url, /manifest\.webmanifest$/);
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
  // A window of a test is a private one, which keeps nothing.
  assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito"), []);
});
