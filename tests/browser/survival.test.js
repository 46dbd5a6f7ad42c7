//! Work is never lost: two tabs, storage that keeps nothing, an engine that dies, a run that is stopped, a reload.

import assert from "node:assert/strict";
import { slowPipeline } from "./data.js";
import { idle, open, scenario } from "./harness.js";
import { CLIPBOARD, card, finished, inState, openFile, openQuestion, param, runAll, saved, setNumber, states } from "./studio.js";

/// Opens a pipeline that takes its time.
async function openSlow(page, nTrees = 2_000) {
  await openFile(page, "many-trees.json", slowPipeline(nTrees));
  await saved(page);
}

/// Starts a run and waits until the forest is being trained.
async function startRun(page) {
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await inState(page, "train", "running");
}

scenario("a reload loses nothing, also during a run", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openSlow(page);
  await setNumber(page, "forest", "max_depth", 3);
  await saved(page);
  await setNumber(page, "forest", "max_depth", 12);
  await startRun(page);
  await page.reload();
  await card(page, "forest").waitFor();
  await idle(page);
  await card(page, "forest").click();
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), "12");
  await setNumber(page, "forest", "n_trees", 5);
  await runAll(page);
  assert.equal((await states(page)).train, "ran");
});

scenario("a run that is stopped stops at once, and the next one works", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openSlow(page);
  await startRun(page);
  await page.getByRole("button", { name: /^Stop/ }).click();
  await inState(page, "train", "cancelled");
  await page.getByRole("button", { name: "Run", exact: true }).waitFor();
  assert.equal(await page.locator(".banner", { hasText: "engine" }).count(), 0, "the engine was not replaced");
  assert.equal((await states(page)).data, "ran");
  await setNumber(page, "forest", "n_trees", 5);
  await page.keyboard.press("Control+Shift+Enter");
  await finished(page);
  assert.deepEqual([(await states(page)).data, (await states(page)).train], ["reused", "ran"]);
});

scenario("what would not fit into memory is refused before it begins, with the way out", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openSlow(page);
  // As on a computer with a quarter of a gigabyte.
  await page.workers()[0].evaluate(() => Object.defineProperty(navigator, "deviceMemory", { value: 0.25 }));
  await runAll(page);
  assert.deepEqual(await states(page), { data: "ran", clean: "ran", forest: "ran", train: "failed" });
  await card(page, "train").click();
  const told = await page.locator("#inspector").innerText();
  assert.match(told, /Train Model would need about \d+ MB of memory here, and \d+ MB of 268 MB are left/);
  assert.match(told, /fewer rows with Partition and Sample[\s\S]*millrace/);
  await setNumber(page, "forest", "n_trees", 5);
  await runAll(page);
  assert.equal((await states(page)).train, "ran");
});

scenario("an engine that breaks during a run is replaced, and the document survives", { expected: /out of memory/ }, async (profile) => {
  const { page } = profile;
  await open(profile);
  await openSlow(page);
  await startRun(page);
  await page.workers()[0].evaluate(() => {
    setTimeout(() => {
      throw new Error("out of memory");
    });
  });
  const banner = page.getByRole("alert").filter({ hasText: "The engine stopped unexpectedly" });
  await banner.waitFor();
  assert.match(await banner.innerText(), /your pipeline is unharmed[\s\S]*Run it again/);
  await idle(page);
  assert.deepEqual(Object.keys(await states(page)).sort(), ["clean", "data", "forest", "train"]);
  await banner.getByRole("button", { name: "Dismiss" }).click();
  await setNumber(page, "forest", "n_trees", 5);
  await runAll(page);
  assert.equal((await states(page)).train, "ran");
});

scenario("an engine that falls silent is noticed and replaced", async (profile) => {
  const { page } = profile;
  await page.clock.install();
  await open(profile);
  await openSlow(page);
  await startRun(page);
  // It is gone without a word, as when the system takes its memory.
  await page.workers()[0].evaluate(() => close());
  for (let pulse = 0; pulse < 7; pulse += 1) {
    await page.clock.runFor(4_000);
  }
  await page.getByRole("alert").filter({ hasText: "has not answered for 20 seconds" }).waitFor();
  await setNumber(page, "forest", "n_trees", 5);
  await runAll(page);
  assert.equal((await states(page)).train, "ran");
});

scenario(
  "an engine that does not load is told once, and building goes on",
  { host: { subPath: "/", withhold: /worker_bg.*\.wasm$/ }, expected: /404|wasm|load|fetch/i },
  async (profile) => {
    const { page } = profile;
    await page.goto(profile.home);
    const banner = page.getByRole("alert").filter({ hasText: /engine/ });
    await banner.waitFor();
    assert.match(await banner.innerText(), /[Rr]eload the page/);
    await page.getByRole("button", { name: /Which iris/ }).click();
    await card(page, "tree").waitFor();
    await idle(page);
  },
);

scenario("a second tab may look and not overwrite, and take over", CLIPBOARD, async (profile) => {
  const { page, context } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  await saved(page);
  const second = await context.newPage();
  await second.goto(page.url());
  await idle(second);
  const note = (tab) => tab.getByRole("region", { name: "Open in another tab" });
  await note(second).waitFor();
  await second.getByText("read only", { exact: true }).waitFor();
  // What is changed here is not kept, and does not reach the other tab.
  await setNumber(second, "tree", "max_depth", 9);
  await second.reload();
  await card(second, "tree").waitFor();
  await idle(second);
  await note(second).waitFor();
  await card(second, "tree").click();
  assert.equal(await param(second, "max_depth", 'input[type="number"]').inputValue(), "4");

  // After taking over, this tab writes and the other one looks.
  await note(second).getByRole("button", { name: "Take over" }).click();
  await note(second).waitFor({ state: "detached" });
  await note(page).waitFor();
  await setNumber(second, "tree", "max_depth", 7);
  await saved(second);
  // Back again, and with what the other tab wrote.
  await note(page).getByRole("button", { name: "Take over" }).click();
  await note(page).waitFor({ state: "detached" });
  await note(second).waitFor();
  await card(page, "tree").click();
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), "7");

  // Or a copy of one's own.
  await note(second).getByRole("button", { name: "Make a copy" }).click();
  await note(second).waitFor({ state: "detached" });
  await saved(second);
  // A tab that leaves lets go.
  const address = page.url();
  await page.goto("about:blank");
  await second.goto(address);
  await second.reload();
  await card(second, "tree").waitFor();
  await idle(second);
  await saved(second);
});

scenario("a browser that blocks storage is told, and work goes on", async (profile) => {
  const { page } = profile;
  await profile.context.addInitScript(() => {
    Object.defineProperty(globalThis, "indexedDB", { get: () => undefined });
    Object.defineProperty(globalThis, "localStorage", {
      get() {
        throw new DOMException("Access is denied for this document.", "SecurityError");
      },
    });
  });
  await open(profile);
  const banner = page.getByRole("alert").filter({ hasText: "This browser keeps nothing at the moment" });
  await banner.waitFor();
  assert.match(await banner.innerText(), /blocks storage[\s\S]*save your pipeline as a file/);
  await openQuestion(page, /Which iris/);
  await page.getByText("not saved", { exact: true }).waitFor();
  await runAll(page);
  assert.equal((await states(page)).evaluate, "ran");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    banner.getByRole("button", { name: "Save file" }).click(),
  ]);
  assert.match(download.suggestedFilename(), /\.json$/);
});

scenario("storage that is full is told, and what was not kept is kept once there is room", async (profile) => {
  const { page, context } = profile;
  await open(profile);
  const session = await context.newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
  await openQuestion(page, /Which iris/);
  await setNumber(page, "tree", "max_depth", 3);
  const banner = page.getByRole("alert").filter({ hasText: "This browser keeps nothing at the moment" });
  await banner.waitFor();
  await page.getByText("not saved", { exact: true }).waitFor();
  await runAll(page);
  assert.equal((await states(page)).evaluate, "ran");
  await session.send("Storage.overrideQuotaForOrigin", { origin });
  await banner.getByRole("button", { name: "Try again" }).click();
  await saved(page);
  await banner.waitFor({ state: "detached" });
  await page.reload();
  await card(page, "tree").waitFor();
  await idle(page);
  await card(page, "tree").click();
  assert.equal(await param(page, "max_depth", 'input[type="number"]').inputValue(), "3");
});
