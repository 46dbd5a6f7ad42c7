//! The page Monitor over a real server: what it shows is what was sent.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { assertAccessible, idle, open, scenario } from "./harness.js";
import { churn, infer, ownRegistry, sample, serve } from "./served.js";

let registry;
let server;
let empty;

before(async () => {
  registry = churn();
  server = await serve(registry);
  empty = await serve(ownRegistry());
});
after(() => {
  server?.close();
  empty?.close();
});

const HERE = { at: () => server.studio };

/// Opens the page of an endpoint, asked for as often as it can be.
async function watch(profile, endpoint = "churn") {
  await profile.context.addInitScript(() => localStorage.setItem("millrace.monitor-refresh", "2"));
  await open(profile, `#monitor=${endpoint}`);
  await profile.page.locator("#monitor-n-requests, .monitor .empty").first().waitFor();
}

/// Waits until a figure says what it should.
async function says(page, selector, words) {
  await page.waitForFunction(
    ([selector, words]) => document.querySelector(selector)?.textContent.includes(words),
    [selector, words],
    { timeout: 20_000 },
  );
}

function inRail(page) {
  return page.getByRole("complementary", { name: "Endpoints" });
}

scenario("an endpoint that nobody called says how to call it", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  await says(page, "#monitor-n-requests", "0");
  await page.getByText("No requests in this stretch of time").waitFor();
  await page.getByText(/^millrace load http/).waitFor();
  assert.match(await inRail(page).getByRole("button", { name: /churn/ }).innerText(), /never called/);
  await assertAccessible(page, "an endpoint that was never called");
});

scenario("the figures are those of the requests that were sent", HERE, async (profile) => {
  const { page } = profile;
  const good = await sample(server.address, "churn");
  const bad = structuredClone(good);
  const number = bad.inputs.find(({ data }) => typeof data[0] === "number");
  number.data = ["n/a"];
  for (let i = 0; i < 40; i++) {
    assert.equal(await infer(server.address, "churn", good), 200);
  }
  for (let i = 0; i < 10; i++) {
    assert.equal(await infer(server.address, "churn", bad), 400);
  }
  await watch(profile);
  await says(page, "#monitor-n-requests dd", "50");
  assert.equal(await page.locator("#monitor-n-failed dd").innerText(), "10 (20 %)");
  assert.equal(await page.locator("#monitor-n-rows dd").innerText(), "40");
  assert.equal(await page.locator("#monitor-n-exceptions").innerText(), "10");
  const kind = page.locator('[data-exception="schema.type_mismatch"]').first();
  assert.match(await kind.innerText(), new RegExp(`schema\\.type_mismatch\\s*${number.name}[^]*10`));
  const line = page.locator(".monitor__failures li").first();
  assert.equal(await line.locator(".monitor__column").innerText(), number.name);
  assert.match(await line.innerText(), /v1/);
  assert.equal(await page.locator(".monitor__failures li").count(), 10);

  // The same by keyboard and for screen readers.
  const chart = page.getByRole("slider", { name: "Requests over time" });
  await chart.focus();
  await page.keyboard.press("End");
  assert.match(await chart.getAttribute("aria-valuetext"), /v1 [\d.]+/);
  assert.match(await page.getByRole("slider", { name: "Failures over time" }).getAttribute("aria-valuetext"), /v1 20 %|no data|v1 0 %/);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Failures as a table" }).click();
  const shares = await page.getByRole("region", { name: "Failures as a table" }).locator("tbody td").allInnerTexts();
  assert.ok(shares.some((share) => /%/.test(share)), shares.join());
  await assertAccessible(page, "an endpoint with failures");
});

scenario("requests are sent from the page, and all of them are counted", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  const before = Number((await page.locator("#monitor-n-requests dd").innerText()).replaceAll(/\D/g, ""));
  await page.getByRole("button", { name: "Send requests" }).click();
  await page.getByLabel("Requests a second").selectOption("20");
  await page.getByLabel("For", { exact: true }).selectOption("15");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await page.getByText("300 sent, 0 failed").waitFor({ timeout: 40_000 });
  await says(page, "#monitor-n-requests dd", String(before + 300));
  await assertAccessible(page, "the panel that sends requests");
});

scenario("a version is moved forward and back with a press", HERE, async (profile) => {
  const { page } = profile;
  registry.millrace("deploy", "models:/churn/2", "--as", "green", "--percent", "0");
  await watch(profile);
  const rail = inRail(page);
  await rail.getByRole("button", { name: "v2 to 5 %" }).click();
  await rail.getByRole("button", { name: "v2 to 10 %" }).click();
  await rail.getByRole("button", { name: "v2 to 25 %" }).waitFor();
  const shares = async () => (await (await fetch(`${server.address}/v2/registry`)).json()).endpoints.churn.traffic;
  assert.deepEqual(await shares(), { blue: 90, green: 10 });
  await rail.locator(".monitor__steps").getByText("v2 to 10 %").waitFor();
  await rail.getByRole("button", { name: "Back to v1" }).click();
  await rail.locator(".monitor__steps li:nth-child(4)").waitFor();
  assert.deepEqual(await shares(), { blue: 100, green: 0 });
  // Every step is numbered on the charts as in the list.
  const onChart = await page.locator("#monitor-requests .monitor__step").count();
  assert.equal(onChart, await rail.locator(".monitor__steps em:not(:empty)").count());
});

scenario("a registry without endpoints says how to deploy", { at: () => empty.studio }, async (profile) => {
  await watch(profile, "");
  await profile.page.getByText("Nothing is deployed yet").waitFor();
  await assertAccessible(profile.page, "a registry without endpoints");
});

scenario("questions are answered in the worker, and a wrong one keeps its place", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  const query = page.getByRole("textbox", { name: "Query" });
  await query.fill("requests\n| summarize count() by success");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const rows = page.getByRole("region", { name: "Rows of the answer" }).locator("tbody tr");
  await rows.first().waitFor();
  const counts = Object.fromEntries((await rows.allInnerTexts()).map((row) => row.split("\t")));
  await assertAccessible(page, "an answer in rows", rows.first());
  const sent = Number((await page.locator("#monitor-n-requests dd").innerText()).replaceAll(/\D/g, ""));
  assert.equal(Number(counts.true.replaceAll(/\D/g, "")) + Number((counts.false ?? "0").replaceAll(/\D/g, "")), sent);
  await query.fill("requests | wher success");
  await query.press("Control+Enter");
  assert.equal(await page.locator(".monitor__wrong mark").innerText(), "wher");
  await page.getByRole("button", { name: "Requests and p95 by minute" }).click();
  const chart = page.locator(".monitor__answer-chart");
  await chart.waitFor();
  await assertAccessible(page, "an answer with its chart", chart);
});

scenario("an alert is set, fires and is drawn", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  await page.getByRole("button", { name: "Alerts" }).click();
  await page.getByLabel("Name of a new alert").fill("failures");
  await page.keyboard.press("Enter");
  const rule = page.getByRole("group", { name: "failures" });
  await rule.getByLabel("for minutes").fill("1");
  await rule.getByLabel("for minutes").press("Tab");
  await assertAccessible(page, "the dialog of alert rules");
  await page.keyboard.press("Escape");
  const bad = await sample(server.address, "churn");
  bad.inputs.find(({ data }) => typeof data[0] === "number").data = ["n/a"];
  for (let i = 0; i < 5; i++) {
    await infer(server.address, "churn", bad);
  }
  await page.getByRole("button", { name: "1 firing" }).waitFor({ timeout: 30_000 });
  assert.match(await page.locator(".monitor__limit-name").innerText(), /alert above 1 %/);
  await page.locator("#monitor-failures .monitor__fire").first().waitFor({ state: "attached" });
  registry.millrace("alerts", "remove", "failures");
  await page.getByRole("button", { name: "Alerts" }).waitFor({ timeout: 30_000 });
});

scenario("an alert may look at how far a column drifts", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  await page.getByRole("button", { name: "Alerts" }).click();
  await page.getByLabel("Name of a new alert").fill("drifted");
  await page.keyboard.press("Enter");
  const rule = page.getByRole("group", { name: "drifted" });
  const { name } = (await sample(server.address, "churn")).inputs[0];
  await rule.getByLabel("Fires when").selectOption("Drift of a column, last hour");
  await rule.getByRole("combobox", { name: "of", exact: true }).selectOption(name);
  await page.waitForFunction(async ([address, name]) => {
    const { alerts } = await (await fetch(`${address}/v2/registry`)).json();
    const { metric, column, comparison, threshold } = alerts.drifted.rule;
    return metric === "data_drift" && column === name && comparison === "above" && threshold === 0.25;
  }, [server.address, name]);
  await assertAccessible(page, "an alert on drift");
  await rule.getByRole("button", { name: "Remove the rule" }).click();
  await rule.waitFor({ state: "detached" });
});

scenario("traffic goes back by itself by a rule that is set, seen and removed here", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  const rule = async () => (await (await fetch(`${server.address}/v2/registry`)).json()).endpoints.churn.rollback;
  const until = (is) => page.waitForFunction(async ([address, is]) => {
    const { endpoints } = await (await fetch(`${address}/v2/registry`)).json();
    return JSON.stringify(endpoints.churn.rollback ?? null) === is;
  }, [server.address, JSON.stringify(is)]);
  await page.getByRole("button", { name: "Alerts" }).click();
  const dialog = page.getByRole("dialog", { name: "Alerts and rollback" });
  await dialog.getByLabel(/goes back by itself/).check();
  await until({ max_more_failures: 0.02, max_times_p95: 2, n_windows: 3, min_requests: 50 });
  const failures = dialog.getByLabel("More requests fail, %");
  await failures.fill("5");
  await failures.press("Tab");
  await until({ max_more_failures: 0.05, max_times_p95: 2, n_windows: 3, min_requests: 50 });
  await assertAccessible(page, "the rule of rollback");
  await page.keyboard.press("Escape");
  await inRail(page).getByText("Goes back by itself if 5 % more fail, or p95 is 2 times as long, for 3 minutes").click();
  await dialog.getByLabel(/goes back by itself/).uncheck();
  await until(null);
  assert.equal(await rule(), undefined);
});

scenario("labels that come later make a figure for each version, and too few make none", HERE, async (profile) => {
  const { page } = profile;
  await watch(profile);
  const section = page.getByRole("region", { name: "Performance", exact: true });
  await section.getByText(/^No labels for predictions/).waitFor();
  await section.getByText(/v2\/models\/churn\/feedback -d/).waitFor();
  const body = await sample(server.address, "churn");
  const send = async (nRight, nWrong) => {
    for (let at = 0; at < nRight + nWrong; at++) {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${server.address}/v2/models/churn/infer`, { method: "POST", headers, body: JSON.stringify(body) });
      const { id, outputs } = await answer.json();
      const [predicted] = outputs.find(({ name }) => name === "prediction").data;
      const label = at < nRight ? predicted : "something else";
      const taken = await fetch(`${server.address}/v2/models/churn/feedback`, { method: "POST", headers, body: JSON.stringify({ id, label }) });
      assert.equal(taken.status, 200, await taken.text());
    }
  };
  await send(8, 2);
  const cells = section.locator("tbody td");
  await section.getByText("10 of 30").waitFor({ timeout: 20_000 });
  assert.equal(await cells.nth(2).innerText(), "–");
  await send(22, 8);
  await page.waitForFunction(() => document.querySelector("[data-region=monitor-performance] tbody td")?.textContent === "40", undefined, { timeout: 20_000 });
  assert.equal(await cells.nth(2).innerText(), "75 %");
  await assertAccessible(page, "performance against labels", section);
});

scenario("a mirror is told apart from what it mirrors", HERE, async (profile) => {
  const { page } = profile;
  registry.millrace("deploy", "models:/churn/2", "--as", "shadow", "--percent", "0");
  registry.millrace("traffic", "churn", "blue=100", "--mirror", "shadow=50");
  await watch(profile);
  const section = page.getByRole("region", { name: "Mirror", exact: true });
  await section.getByText("shadow sees copies of 50 % of requests").waitFor();
  const body = await sample(server.address, "churn");
  for (let at = 0; at < 40; at++) {
    assert.equal(await infer(server.address, "churn", body), 200);
  }
  const row = section.locator("tbody tr").first();
  await row.waitFor({ timeout: 20_000 });
  assert.match(await row.innerText(), /shadow beside .*blue/);
  const told = await (await fetch(`${server.address}/v2/monitor/disagreements`)).json();
  const { counts } = told.find(({ mirror }) => mirror === "shadow");
  await page.waitForFunction((n) => document.querySelector("[data-region=monitor-mirror] tbody td:nth-child(3)")?.textContent === n, String(counts.n_rows), { timeout: 20_000 });
  const tenths = await page.locator("#monitor-tenths tbody td").allInnerTexts();
  assert.equal(tenths.length, 10);
  assert.equal(tenths.reduce((sum, text) => sum + (Number(text.replaceAll(/\D/g, "")) || 0), 0), counts.n_rows, String(tenths));
  assert.ok(counts.n_rows >= 8 && counts.n_rows <= 32, `${counts.n_rows} of 40 were copied`);
  await assertAccessible(page, "a mirror", section);
  registry.millrace("traffic", "churn", "blue=100", "--mirror", "shadow=0");
});

scenario("the exercise is lived through: the new model breaks the schema", { ...HERE, expected: /status of 400/ }, async (profile) => {
  const { page } = profile;
  await watch(profile);
  await page.getByRole("button", { name: "Exercise" }).click();
  await page.getByRole("button", { name: "Let them come" }).click();
  await page.getByRole("button", { name: "Deploy it at 10 %" }).click({ timeout: 30_000 });
  // A wrong answer is told why.
  const kind = page.getByLabel("Exception", { exact: true });
  await kind.selectOption("timeout", { timeout: 60_000 });
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText(/Not that one/).waitFor();
  const hot = page.locator(".monitor__hot");
  await hot.getByText("new with v3").waitFor({ timeout: 30_000 });
  assert.equal(await hot.getAttribute("data-exception"), "schema.missing_column");
  await kind.selectOption("schema.missing_column");
  await page.getByLabel("Column", { exact: true }).fill("loyalty_tier");
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText("Callers must not pay for it").waitFor();
  await assertAccessible(page, "the exercise");
  await inRail(page).getByRole("button", { name: "Back to v1" }).click();
  await page.getByText(/^Done in /).waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Tidy up" }).click();
  await page.locator(".toast", { hasText: "The deployment of the exercise is gone" }).waitFor();
  const { endpoints } = await (await fetch(`${server.address}/v2/registry`)).json();
  assert.ok(!("exercise" in endpoints.churn.deployments), "the deployment of the exercise is still there");
});

scenario("a server with keys is asked with the key that is given", { ...HERE, expected: /401/ }, async (profile) => {
  const { page } = profile;
  const made = registry.millrace("keys", "make", "--scope", "read");
  const key = made.trim();
  await page.goto(`${server.studio}#monitor=churn`);
  await page.getByText("This server wants a key").waitFor({ timeout: 20_000 });
  await idle(page);
  await assertAccessible(page, "the question for a key");
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.keyboard.press("Enter");
  await page.locator("#monitor-n-requests").waitFor();
  // The tab keeps it.
  await page.reload();
  await page.locator("#monitor-n-requests").waitFor();
});
