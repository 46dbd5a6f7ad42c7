//! The studio as a user meets it: what scenarios do again and again.

import assert from "node:assert/strict";
import { idle } from "./harness.js";

/// The card of a node on the canvas.
export function card(page, node) {
  return page.locator(`[data-node-id="${node}"]`);
}

/// A port of a node: `out:table`, `in:learner`.
export function port(page, node, name) {
  return card(page, node).locator(`[data-port="${name}"]`);
}

/// How every node stands, by id.
export async function states(page) {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll("[data-node-id]")].map((node) => [node.dataset.nodeId, node.dataset.state]),
    ),
  );
}

/// Opens a pipeline of the gallery by its question.
export async function openQuestion(page, question) {
  await page.getByRole("button", { name: question }).click();
  await page.locator("[data-node-id]").first().waitFor();
  await idle(page);
}

/// Runs everything and waits for the end.
export async function runAll(page) {
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await finished(page);
}

/// Waits until a run that was asked for is over.
export async function finished(page) {
  await page.waitForFunction(() => {
    const states = [...document.querySelectorAll("[data-node-id]")].map((node) => node.dataset.state);
    return states.length > 0 && states.every((state) => !["idle", "queued", "running", "stale"].includes(state));
  });
  await idle(page);
}

/// The metrics that the results panel shows for a node, by label.
export async function metricsOf(page, node) {
  await card(page, node).click();
  await page.getByRole("tab", { name: "Output", exact: true }).first().click();
  await page.locator(".metrics__list dt").first().waitFor();
  await idle(page);
  const figures = await page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll(".metrics__list .metric")].map((metric) => [
        metric.querySelector("dt").textContent,
        metric.querySelector("dd b").textContent,
      ]),
    ),
  );
  assert.ok(Object.keys(figures).length > 0, `${node} shows no metrics`);
  return figures;
}

/// Sets a number in the inspector of a node.
export async function setNumber(page, node, param, value) {
  await card(page, node).click();
  const field = page.locator(`[data-param="${param}"] input[type="number"]`);
  await field.fill(String(value));
  await field.press("Enter");
  await idle(page);
}

/// Drops a file on the page, as the system's file manager does.
export async function dropFile(page, name, content) {
  const carried = await page.evaluateHandle(
    ({ name, content }) => {
      const carried = new DataTransfer();
      carried.items.add(new File([content], name, { type: "text/csv" }));
      return carried;
    },
    { name, content },
  );
  for (const event of ["dragenter", "dragover", "drop"]) {
    await page.dispatchEvent("body", event, { dataTransfer: carried });
  }
}
