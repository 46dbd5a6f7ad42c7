//! Bad links, files and pipelines: each is told with its place and its way out, and the page goes on.

import assert from "node:assert/strict";
import { pipelineJson, shopCsv } from "./data.js";
import { idle, open, scenario } from "./harness.js";
import { CLIPBOARD, card, copyLink, drag, dropFile, finished, hasFocus, inState, nConnections, openFile, openQuestion, param, port, runAll, states } from "./studio.js";

scenario("links that are cut, changed or from a newer version say so, and the page goes on", CLIPBOARD, async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  const link = await copyLink(page);
  const body = link.indexOf("1d.") + 3;
  const middle = body + Math.floor((link.length - body) / 2);
  const changed = link.slice(0, middle) + (link[middle] === "A" ? "B" : "A") + link.slice(middle + 1);
  const bad = [
    [link.slice(0, middle), /damaged.*copy it again, whole/],
    [changed, /damaged.*copy it again, whole/],
    [link.replace("#p=1d.", "#p=9d."), /version 9.*reads up to 2.*newer version/],
    [link.replace("#p=1d.", "#p=1z."), /packed as z|packed as `z`/],
    [`${profile.home}#p=`, /holds no pipeline/],
    [`${profile.home}#p=1d.${"A".repeat(70_000)}`, /65,536.*ask for the file/],
  ];
  for (const [address, words] of bad) {
    await page.goto("about:blank");
    await page.goto(address);
    await idle(page);
    const banner = page.getByRole("alert").filter({ hasText: "The link does not open" });
    await banner.waitFor();
    assert.match(await banner.innerText(), words);
  }
  // Also beside work that is open; it is dismissed, and nothing was touched.
  await page.getByRole("button", { name: "Dismiss", exact: true }).click();
  await openQuestion(page, /diabetes/);
  await page.evaluate(() => (location.hash = "#p=1d.AAAA"));
  await page.getByRole("alert").filter({ hasText: "The link does not open" }).waitFor();
  await runAll(page);
  assert.deepEqual(new Set(Object.values(await states(page))), new Set(["ran"]));
  // A whole one is offered beside it, and declined.
  await page.evaluate((hash) => (location.hash = hash), new URL(link).hash);
  await page.getByRole("region", { name: "Pipeline from a link" }).waitFor();
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("region", { name: "Pipeline from a link" }).waitFor({ state: "detached" });
});

scenario("a cycle is refused with its path", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  const before = await nConnections(page);
  await drag(page, port(page, "score", "out:scored"), port(page, "split", "in:table"));
  await page
    .locator(".toast", { hasText: "This would close a cycle: Split Data → Train Model → Score Model → Split Data" })
    .or(page.locator(".toast", { hasText: "This would close a cycle: Split Data → Score Model → Split Data" }))
    .first()
    .waitFor();
  assert.equal(await nConnections(page), before);
  // A file with one is not opened.
  const nodes = { a: ["transform.normalize-data@1"], b: ["transform.normalize-data@1"] };
  const looped = pipelineJson("Loop", nodes, { "a.table": "b.table", "b.table": "a.table" });
  await dropFile(page, "loop.json", looped);
  await page.locator(".toast", { hasText: /loop\.json.*cycle/ }).waitFor();
  assert.equal(await nConnections(page), before);
});

scenario("the problems panel names every problem with its node, and leads there", async (profile) => {
  const { page } = profile;
  await open(profile);
  await page.getByRole("button", { name: "New pipeline" }).click();
  await page.locator("#canvas").waitFor();
  const odd = pipelineJson(
    "Odd",
    {
      data: ["data.sample-datasets@1"],
      split: ["split.split-data@1", { fraction: 7, colour: "red" }],
      future: ["transform.from-the-future@3", { depth: 5 }],
      train: ["train.train-model@1"],
      tree: ["learn.decision-tree@1"],
      taste: ["train.train-model@1", { target: "flavour" }],
    },
    {
      "split.table": "data.table",
      "train.table": "split.train",
      "future.table": "split.test",
      "taste.learner": "tree.learner",
      "taste.table": "data.table",
    },
  );
  await openFile(page, "odd.json", odd);
  await page.getByRole("tab", { name: /^Problems/ }).click();
  const problem = (words) => page.locator(".problem", { hasText: words });
  // A missing input.
  await problem(/learner/i).filter({ hasText: "Train Model" }).first().click();
  await page.locator('[data-node-id="train"].node-card--selected').waitFor();
  // A column that is not there, with those that are.
  await problem(/flavour/).click();
  await page.waitForFunction(() => document.activeElement?.closest('[data-param="target"]'));
  // A parameter nobody knows, and one out of range; the latter leads to its field.
  await problem(/colour/).filter({ hasText: "Split Data" }).click();
  await page.locator('[data-node-id="split"].node-card--selected').waitFor();
  await problem(/0.* to 1|from .* to/).filter({ hasText: "Split Data" }).first().click();
  await page.waitForFunction(() => document.activeElement?.closest('[data-param="fraction"]'));

  // A component nobody knows stays where it is, with its settings and edges.
  await problem(/does not know the component/).click();
  await page.locator('[data-node-id="future"].node-card--unknown').waitFor();
  await page.locator("#inspector").getByText(/does not know the component/).first().waitFor();
  assert.equal(await nConnections(page), 5);
  // What does not rest on it runs.
  await card(page, "data").click();
  await page.keyboard.press("Control+Enter");
  await inState(page, "data", "ran");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Control+s")]);
  const text = await (await import("node:fs/promises")).readFile(await download.path(), "utf8");
  assert.match(text, /transform\.from-the-future@3/);
  assert.match(text, /"depth": 5/);
  assert.match(text, /"colour": "red"/);
});

/// Drops a file and gives back what the page says about it.
async function dropped(page, name, content) {
  await dropFile(page, name, content);
  await page.locator("[data-node-id]").first().waitFor();
  await finished(page);
  return page.locator("#inspector").innerText();
}

scenario("files that hold no table say what they are, and how out", async (profile) => {
  const { page } = profile;
  await open(profile);
  const files = [
    ["empty.csv", "", /empty\.csv: the file is empty[\s\S]*Choose a file that has/],
    ["header.csv", "a,b,c\n", /3 column names in line 1 and no rows below them[\s\S]*Add rows/],
    ["picture.csv", Buffer.from("89504e470d0a1a0a0000000d49484452000000010000", "hex"), /picture|image|PNG[\s\S]*not text/i],
    ["quote.csv", 'a,b\n1,"two\n3,4\n', /line 2: a quote is opened[\s\S]*Close the quote/],
  ];
  for (const [name, content, words] of files) {
    const told = await dropped(page, name, content);
    assert.match(told, words, name);
    assert.deepEqual(Object.values(await states(page)), ["failed"], name);
    // In the place of rows the dock says it as well, and no next step is suggested.
    assert.match(await page.locator("#dock-page").innerText(), words, name);
    assert.equal(await page.getByText("Add Split Data").count(), 0);
    await page.getByRole("button", { name: "Millrace: all pipelines" }).click();
    await page.getByRole("heading", { name: "Drop a CSV here" }).waitFor();
  }
  await dropped(page, "shop.csv", shopCsv(20));
  assert.deepEqual(Object.values(await states(page)), ["ran"]);
});

scenario("rows with too many cells are set aside and named, in any encoding", async (profile) => {
  const { page } = profile;
  await open(profile);
  await dropped(page, "ragged.csv", "a,b\n1,2\n3,4,5\n6,7\n");
  assert.deepEqual(Object.values(await states(page)), ["ran"]);
  const dock = page.locator('[data-region="dock"]');
  await dock.getByRole("tab", { name: "Output", exact: true }).click();
  const panel = dock.locator(".output__panel", { hasText: "Rejected rows" }).last();
  await panel.waitFor();
  assert.match(await panel.innerText(), /mend these lines in the file and choose it again[\s\S]*3[\s\S]*it has 3 cells, but there are 2 columns/);

  // Latin-1 without being told; the wrong encoding by hand is mended in the inspector.
  await page.getByRole("button", { name: "Millrace: all pipelines" }).click();
  const latin1 = Buffer.from("city,n\nZ\u00fcrich,1\nMalm\u00f6,2\nK\u00f8benhavn,3\n", "latin1");
  await dropped(page, "cities.csv", latin1);
  await dock.getByRole("tab", { name: "Data", exact: true }).click();
  await dock.locator(".grid__rows", { hasText: "Zürich" }).waitFor();
  await param(page, "encoding").selectOption("utf-16-le");
  await page.keyboard.press("Control+Shift+Enter");
  await finished(page);
  await param(page, "encoding").selectOption("auto");
  await page.keyboard.press("Control+Shift+Enter");
  await finished(page);
  await dock.locator(".grid__rows", { hasText: "Zürich" }).waitFor();
});

scenario("ten thousand columns are a table like any other", async (profile) => {
  const { page } = profile;
  await open(profile);
  const columns = Array.from({ length: 10_000 }, (_, column) => `c${column}`);
  const row = (row) => columns.map((_, column) => (row * 31 + column) % 17).join(",");
  await dropped(page, "wide.csv", [columns.join(","), ...Array.from({ length: 12 }, (_, r) => row(r))].join("\n"));
  await page.getByText("of 10,000").first().waitFor();
  await page.locator("#data-grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  await page.getByText(/to 10,000 of 10,000/).waitFor();
  await page.getByRole("button", { name: "Profile of c9999", exact: true }).waitFor();
  assert.ok(!(await hasFocus(page.locator("#canvas"))));
});

scenario("what is not a pipeline is not opened as one", async (profile) => {
  const { page } = profile;
  await open(profile);
  await dropFile(page, "cut.json", '{"millrace": "pipeline", "nodes": {"a": ');
  await page.locator(".toast", { hasText: /cut\.json.*line 1/ }).waitFor();
  await dropFile(page, "newer.json", pipelineJson("Later", {}).replace('"format":1', '"format":99').replace("{}", '{"nodes":{}}'));
  await page.locator(".toast", { hasText: /newer\.json.*newer version/ }).waitFor();
  await openQuestion(page, /Which iris/);
});
