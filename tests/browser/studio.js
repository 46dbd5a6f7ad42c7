//! The studio as a user meets it: what scenarios do again and again.

import assert from "node:assert/strict";
import { idle } from "./harness.js";

export const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };

/// The card of a node on the canvas.
export function card(page, node) {
  return page.locator(`[data-node-id="${node}"]`);
}

/// A port of a node: `out:table`, `in:learner`.
export function port(page, node, name) {
  return card(page, node).locator(`[data-port="${name}"]`);
}

/// The control of a parameter in the inspector.
export function param(page, name, control = "input, select, textarea") {
  const field = page.locator(`[data-param="${name}"]`);
  // The choice of a pipeline parameter, beside the name, is asked for by its class.
  return field.locator(control.includes(".bind") ? control : `:is(${control}):not(.bind *)`).first();
}

/// A component in the palette.
export function paletteItem(page, title) {
  return page.locator(`.palette__item[aria-label="Add ${title}"]`);
}

/// The ids of the nodes on the canvas.
export async function nodes(page) {
  return Object.keys(await states(page)).sort();
}

/// How every node stands, by id.
export async function states(page) {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll("[data-node-id]")].map((node) => [node.dataset.nodeId, node.dataset.state]),
    ),
  );
}

/// How many edges there are, as the canvas tells it to a screen reader.
export async function nConnections(page) {
  const label = await page.locator("#canvas").getAttribute("aria-label");
  return Number(label.match(/(\d+) connections/)[1]);
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

/// Waits until a node stands as told.
export async function inState(page, node, state) {
  await page.locator(`[data-node-id="${node}"][data-state="${state}"]`).waitFor();
}

/// The metrics that the results panel shows, by label.
export async function shownMetrics(page) {
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
  assert.ok(Object.keys(figures).length > 0, "no metrics are shown");
  return figures;
}

/// The metrics of a node, found with the mouse.
export async function metricsOf(page, node) {
  await card(page, node).click();
  await page.getByRole("tab", { name: "Output", exact: true }).first().click();
  return shownMetrics(page);
}

/// Sets a number in the inspector of a node.
export async function setNumber(page, node, name, value) {
  await card(page, node).click();
  const field = param(page, name, 'input[type="number"]');
  await field.fill(String(value));
  await field.press("Enter");
  await idle(page);
}

/// Drops a file on the page, as the system's file manager does. `content` is text or bytes.
export async function dropFile(page, name, content) {
  const base64 = Buffer.from(content).toString("base64");
  const carried = await page.evaluateHandle(
    ({ name, base64 }) => {
      const carried = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      carried.items.add(new File([bytes], name, { type: "text/csv" }));
      return carried;
    },
    { name, base64 },
  );
  for (const event of ["dragenter", "dragover", "drop"]) {
    await page.dispatchEvent("body", event, { dataTransfer: carried });
  }
}

/// Opens a file through the browser's chooser, which `ask` makes the page show.
export async function chooseFile(page, name, content, ask) {
  const asked = page.waitForEvent("filechooser");
  // The browser must know by now that the chooser is ours, or it opens its own.
  await page.evaluate(() => undefined);
  await ask();
  await (await asked).setFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(content) });
}

/// Opens a pipeline's file and waits until it is shown.
export async function openFile(page, name, content) {
  await chooseFile(page, name, content, () => page.keyboard.press("Control+o"));
  await page.locator("[data-node-id]").first().waitFor();
  await idle(page);
}

/// The link of the pipeline, by way of the share dialog.
export async function copyLink(page) {
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.locator(".toast", { hasText: /^Link copied/ }).waitFor();
  await page.keyboard.press("Escape");
  return clipboard(page);
}

/// What is on the clipboard.
export async function clipboard(page) {
  return page.evaluate(() => navigator.clipboard.readText());
}

/// Waits until the document is stored.
export async function saved(page) {
  await page.locator(".saved", { hasText: /^saved$/ }).waitFor();
  await idle(page);
}

/// The middle of an element, in the window.
export async function middle(locator) {
  const { x, y, width, height } = await locator.boundingBox();
  return { x: x + width / 2, y: y + height / 2 };
}

/// Presses, moves and lets go, from the middle of one element to that of another, or to a point.
export async function drag(page, from, to) {
  const start = await middle(from);
  const end = "x" in to ? to : await middle(to);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
  await idle(page);
}

/// A point of the canvas with nothing near it.
export async function emptySpot(page) {
  return page.evaluate(() => {
    const places = (selector) => [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect());
    const canvas = document.querySelector("#canvas").getBoundingClientRect();
    const cards = places("#canvas .node-card");
    const taken = [...cards, ...places(".canvas__floor, .minimap, .hint-chip")];
    // Edges run between cards, so a point beside all of them lies on none.
    const right = Math.max(...cards.map((rect) => rect.right), canvas.left) + 60;
    const left = Math.min(...cards.map((rect) => rect.left), canvas.right) - 60;
    for (const x of [right, left].filter((x) => x > canvas.left + 20 && x < canvas.right - 20)) {
      for (let y = canvas.top + 60; y < canvas.bottom - 60; y += 20) {
        const near = (rect) => x > rect.left - 30 && x < rect.right + 30 && y > rect.top - 30 && y < rect.bottom + 30;
        if (!taken.some(near)) {
          return { x, y };
        }
      }
    }
    throw new Error("the canvas has no empty spot");
  });
}

/// From now on, after each navigation anew, the page notes what pointers do. To be called before it is opened.
export async function watchPointer({ context }) {
  await context.addInitScript(() => {
    window.pointerNotes = [];
    const note = (event) => {
      // A key that presses a button makes a click as well, one that no pointer stands behind.
      const isKey = event.type === "click" && event.detail === 0;
      if (!isKey) {
        window.pointerNotes.push({ type: event.type, isPressed: event.buttons > 0 });
      }
    };
    const types = ["pointerdown", "pointermove", "mousedown", "mousemove", "wheel", "click", "dblclick", "dragstart", "touchstart"];
    types.forEach((type) => addEventListener(type, note, { capture: true, passive: true }));
  });
}

/// Fails when a pointer did anything at all.
export async function assertNoPointer(page) {
  assert.deepEqual(await page.evaluate(() => window.pointerNotes), [], "a pointer was used");
}

/// Fails when a pointer moved while a button was held.
export async function assertNoDrag(page) {
  const notes = await page.evaluate(() => window.pointerNotes);
  assert.ok(notes.some(({ type }) => type === "pointerdown"), "no pointer was used");
  const drags = notes.filter(({ type, isPressed }) => type === "dragstart" || (/move$/.test(type) && isPressed));
  assert.deepEqual(drags, [], "something was dragged");
}

/// Goes on with Tab until an element has the focus.
export async function tabTo(page, target, key = "Tab") {
  for (let step = 0; step < 80; step += 1) {
    if (await hasFocus(target)) {
      return;
    }
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead to ${target}`);
}

/// Whether an element, or something in it, has the focus.
export async function hasFocus(target) {
  return (await target.count()) > 0 && target.first().evaluate((element) => element.contains(document.activeElement));
}

/// Goes on with F6 until a region of the page has the focus: bar, palette, canvas, dock, inspector.
export async function goToRegion(page, region) {
  await tabTo(page, page.locator(`[data-region="${region}"]`), "F6");
}

/// What screen readers have just heard.
export async function heard(page) {
  return page.locator("#announcements").innerText();
}
