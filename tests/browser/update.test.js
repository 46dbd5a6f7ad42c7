//! A newer build of the studio: it waits until the reader takes it, and nothing is lost on the way.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slowPipeline } from "./data.js";
import { BUILT, idle, open, scenario } from "./harness.js";
import { controlled } from "./service_worker.js";
import { inState, openFile, param, card, saved, setNumber } from "./studio.js";

/// The same studio as another build: a file has another name, as files of another content do, and says who it is.
function anotherBuild() {
  const folder = join(mkdtempSync(join(tmpdir(), "millrace-")), "dist");
  cpSync(BUILT, folder, { recursive: true });
  const [style] = readdirSync(folder, { recursive: true }).filter((name) => /style[^/]*\.css$/.test(name));
  const other = style.replace(/\.css$/, "-of-the-second-build.css");
  renameSync(join(folder, style), join(folder, other));
  for (const name of ["index.html", "sw.js"]) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8").replaceAll(style.replace(/^.*\//, ""), other.replace(/^.*\//, ""));
    assert.match(text, /of-the-second-build/, `${name} does not name ${style}`);
    writeFileSync(path, text.replace(/const BUILD = "[^"]*"/, 'const BUILD = "the second"'));
  }
  return folder;
}

/// Whose files the page is made of.
function isSecond(page) {
  return page.evaluate(() => [...document.styleSheets].some(({ href }) => href?.includes("of-the-second-build")));
}

/// Lets the browser look for a newer build, as it does by itself now and then.
async function lookForUpdate(page) {
  await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
  await page.locator("#update").waitFor();
}

scenario("a newer build waits, is taken with a press, and what was open survives", { host: { subPath: "/" } }, async (profile) => {
  const { page, swap } = profile;
  await open(profile);
  await controlled(page);
  await openFile(page, "many-trees.json", slowPipeline(5));
  await setNumber(page, "forest", "max_depth", 3);
  await saved(page);
  swap(anotherBuild());
  await lookForUpdate(page);
  // Until then every page is of the build that it was: also one that is loaded anew.
  await page.reload();
  await idle(page);
  assert.equal(await isSecond(page), false);
  const update = page.locator("#update");
  await update.getByText("A new version of Millrace is here").waitFor();
  await Promise.all([page.waitForEvent("load"), update.getByRole("button", { name: "Reload" }).click()]);
  await idle(page);
  assert.equal(await isSecond(page), true);
  assert.equal(await update.count(), 0);
  await card(page, "forest").click();
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), "3");
  // Nothing of the build before is kept.
  const caches = await page.evaluate(() => globalThis.caches.keys());
  assert.deepEqual(caches.map((name) => name.split(" ").slice(2).join(" ")), ["the second"]);
});

scenario("a newer build never interrupts a run", { host: { subPath: "/" } }, async (profile) => {
  const { page, swap } = profile;
  await open(profile);
  await controlled(page);
  await openFile(page, "many-trees.json", slowPipeline(2_000));
  await saved(page);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "train", "running");
  swap(anotherBuild());
  await lookForUpdate(page);
  const reload = page.locator("#update").getByRole("button", { name: "Reload" });
  assert.ok(await reload.isDisabled(), "the update can be taken during a run");
  await inState(page, "train", "running");
  await page.getByRole("button", { name: /^Stop/ }).click();
  await inState(page, "train", "cancelled");
  await Promise.all([page.waitForEvent("load"), reload.click()]);
  await idle(page);
  assert.equal(await isSecond(page), true);
});
