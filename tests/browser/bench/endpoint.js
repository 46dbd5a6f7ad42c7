//! How long the endpoint that lives in the browser takes to answer a page of the same site.

import { createServer } from "node:http";

const N_WARM = 1_000;
const N_COLD = 20;

/// Registers the model of the open pipeline, which has run, and deploys it.
export async function deploy(page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.getByRole("button", { name: "Models", exact: true }).click();
  await page.locator("#register").click();
  await page.locator("#register-now:enabled").click();
  await page.locator("#deploy").click();
  await page.locator("#deploy-now").click();
  await page.locator("#try-send").waitFor();
  await page.evaluate(prepare);
}

/// Milliseconds of requests of one row, from `fetch` to the whole answer, the longest first: to a service worker that is at work, and
/// to one that the browser has ended.
export async function requestTimes(page) {
  const warm = await page.evaluate((n) => globalThis.requestTimes(n), N_WARM);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("ServiceWorker.enable");
  const cold = [];
  for (let at = 0; at < N_COLD; at += 1) {
    await devtools.send("ServiceWorker.stopAllWorkers");
    cold.push(...(await page.evaluate(() => globalThis.requestTimes(1))));
  }
  await devtools.detach();
  return { warm: warm.sort((a, b) => b - a), cold: cold.sort((a, b) => b - a) };
}

const IDLER = `
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  const answer = async (request) => new Response(await request.arrayBuffer());
  addEventListener("fetch", (event) => event.request.method === "POST" && event.respondWith(answer(event.request)));
`;

/// The same of a service worker that gives back what it is sent: what the browser takes for itself.
export async function bareTimes(page) {
  const server = createServer(({ url }, response) => {
    const [type, text] = url === "/sw.js" ? ["text/javascript", IDLER] : ["text/html", "<!doctype html><title>Bare</title>"];
    response.writeHead(200, { "content-type": type }).end(text);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  await page.goto(`http://localhost:${server.address().port}/`);
  const times = await page.evaluate(async (n) => {
    await navigator.serviceWorker.register("sw.js");
    while (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const request = { method: "POST", body: "x".repeat(1_000) };
    const times = [];
    for (let at = 0; at < n; at += 1) {
      const began = performance.now();
      await (await fetch("anything", request)).text();
      times.push(performance.now() - began);
    }
    return times;
  }, N_WARM);
  server.closeAllConnections();
  server.close();
  return times.sort((a, b) => b - a);
}

async function prepare() {
  const { models } = await (await fetch("v2/models")).json();
  const address = `v2/models/${models[0]}`;
  const docs = await (await fetch(`${address}/docs/dataplane.json`)).json();
  const { example } = docs.paths[`/${address}/infer`].post.requestBody.content["application/json"];
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(example) };
  globalThis.requestTimes = async (n) => {
    const times = [];
    for (let at = 0; at < n; at += 1) {
      const began = performance.now();
      const answer = await fetch(`${address}/infer`, request);
      await answer.text();
      times.push(performance.now() - began);
      if (answer.status !== 200) {
        throw new Error(`the endpoint answered ${answer.status}`);
      }
    }
    return times;
  };
}
