//! How scenarios speak to the endpoint that lives in the browser.

import assert from "node:assert/strict";

/// Waits until the service worker answers for the page.
export async function controlled(page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: 60_000 });
}

/// Asks as the conformance suite does: a body has no type unless the headers give one.
export function asker(page) {
  return async (method, path, { headers = {}, body = "" } = {}) => {
    const sent = Buffer.from(body).toString("base64");
    const answer = await page.evaluate(
      async ([method, path, headers, sent]) => {
        const bytes = Uint8Array.from(atob(sent), (c) => c.charCodeAt(0));
        const body = ["GET", "HEAD"].includes(method) ? undefined : bytes;
        const answer = await fetch(new URL(path.slice(1), document.baseURI), { method, headers, body });
        const got = new Uint8Array(await answer.arrayBuffer());
        let text = "";
        for (let at = 0; at < got.length; at += 0x8000) {
          text += String.fromCharCode(...got.subarray(at, at + 0x8000));
        }
        return { status: answer.status, headers: Object.fromEntries(answer.headers), bytes: btoa(text) };
      },
      [method, path, headers, sent],
    );
    return { ...answer, bytes: new Uint8Array(Buffer.from(answer.bytes, "base64")) };
  };
}

/// Registers packages as versions 1, 2 … of a model, the last as challenger, and deploys the first two as blue, with all
/// traffic, and green.
export async function deployed(ask, name, packages) {
  for (const body of packages) {
    const { status, bytes } = await ask("POST", `/v2/registry/models/${name}`, { body });
    assert.equal(status, 200, new TextDecoder().decode(bytes));
  }
  const deployments = packages.slice(0, 2).map((_, at) => ({
    type: "deployed",
    endpoint: name,
    deployment: ["blue", "green"][at],
    model: name,
    version: at + 1,
  }));
  const changes = [
    ...deployments,
    { type: "traffic_set", endpoint: name, traffic: { blue: 100 } },
    { type: "alias_set", model: name, alias: "challenger", version: packages.length },
  ];
  const { status, bytes } = await ask("POST", "/v2/registry/changes", { body: JSON.stringify({ changes }) });
  assert.equal(status, 200, new TextDecoder().decode(bytes));
}
