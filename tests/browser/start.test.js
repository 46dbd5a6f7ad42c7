//! The page starts, on any host, within its security policy, and says so when it cannot.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assertAccessible, BUILT, HOME, idle, open, scenario } from "./harness.js";
import { card, nodes, openQuestion, runAll, states } from "./studio.js";

scenario("the page starts", async (profile) => {
  await open(profile);
  assert.equal(await profile.page.title(), "Millrace");
  assert.equal(await profile.page.locator("#starting").count(), 0);
  assert.ok((await profile.page.locator("main").innerText()).length > 0);
});

for (const colorScheme of ["light", "dark"]) {
  scenario(`axe finds nothing on the first screen, ${colorScheme}`, { colorScheme }, async (profile) => {
    await open(profile);
    await assertAccessible(profile.page, "the first screen");
  });
}

test("the server sends types and security headers", async () => {
  const page = await fetch(HOME);
  const policy = page.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  assert.equal(page.headers.get("cross-origin-opener-policy"), "same-origin");
  const wasm = (await page.text()).match(/data-wasm="([^"]+)"/)[1];
  const program = await fetch(new URL(wasm, HOME), { method: "HEAD" });
  assert.equal(program.headers.get("content-type"), "application/wasm");
  assert.equal((await fetch(new URL("nothing-here", HOME))).status, 404);
});

test("the page holds no inline script and no inline style", async () => {
  const page = await readFile(join(BUILT, "index.html"), "utf8");
  assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)/i);
  assert.doesNotMatch(page, /<style|\bstyle=|\bon[a-z]+=/i);
});

scenario("an inline script is blocked", { expected: /inline|script-src|trusted/i }, async (profile) => {
  await open(profile);
  const ran = await profile.page.evaluate(() => {
    const script = document.createElement("script");
    let refused = false;
    try {
      script.text = "globalThis.canary = true";
    } catch {
      refused = true;
    }
    document.head.append(script);
    return { refused, canary: globalThis.canary === true };
  });
  assert.deepEqual(ran, { refused: true, canary: false });
});

// Where the policy looks at HTML, the browser says of its own accord that handlers would not run.
scenario("HTML that could run a script is refused, and other HTML is not", { expected: /inline/ }, async (profile) => {
  await open(profile);
  const refused = await profile.page.evaluate(() => {
    const hostile = [
      "<script>alert(1)</script>",
      "<img src=x onerror=alert(1)>",
      '<img alt=">" onerror="alert(1)">',
      "<tr onclick=alert(1)><td>1</td></tr>",
      '<a href="java&#115;cript:alert(1)">x</a>',
      '<a href=" java\tscript:alert(1)">x</a>',
      '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
      "<svg><animate attributeName=href values=javascript:alert(1)></svg>",
      '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
      "<template><img src=x onerror=alert(1)></template>",
      "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
      '<object data="data:text/html,<script>alert(1)</script>"></object>',
      '<base href="//example.org">',
    ];
    const innocent = ["<p class=a>once = 1 &lt;script&gt;</p>", "<svg><path d='M0 0'/><use href='#icon-play'/></svg>", "<tr><td>1</td></tr>"];
    const accepts = (html) => {
      try {
        document.createElement("template").innerHTML = html;
        return true;
      } catch {
        return false;
      }
    };
    return { accepted: hostile.filter(accepts), refused: innocent.filter((html) => !accepts(html)) };
  });
  assert.deepEqual(refused, { accepted: [], refused: [] });
});

scenario("only the worker may be started by its address", async (profile) => {
  await open(profile);
  const outcome = await profile.page.evaluate(() => {
    const starts = (address) => {
      try {
        new Worker(address, { type: "module" }).terminate();
        return true;
      } catch {
        return false;
      }
    };
    return [starts(document.documentElement.dataset.worker), starts("boot.js"), starts("data:text/javascript,1")];
  });
  assert.deepEqual(outcome, [true, false, false]);
});

scenario("a host without headers serves it under a sub-path", { host: { subPath: "/some/where/" } }, async (profile) => {
  await open(profile);
  assert.equal(await profile.page.locator("#starting").count(), 0);
});

scenario(
  "a part that does not load is said in words",
  { host: { subPath: "/", withhold: /\.wasm$/ }, expected: /wasm|404|load/i },
  async ({ page, home }) => {
    await page.goto(home);
    await page.getByRole("alert").waitFor();
    assert.match(await page.getByRole("alert").innerText(), /could not start[\s\S]*reload the page/);
  },
);

scenario("a browser without SIMD is told what it needs", { expected: /SIMD/ }, async ({ page, home }) => {
  await page.addInitScript(() => {
    WebAssembly.validate = () => false;
  });
  await page.goto(home);
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /too old for Millrace[\s\S]*Firefox 89/);
});

scenario("a component's help opens an example, which runs, and leaves the document as it was", async (profile) => {
  const { page } = profile;
  await open(profile);
  await openQuestion(page, /Which iris/);
  const before = await nodes(page);
  await card(page, before.find((id) => id.includes("tree"))).click();
  await page.locator("#inspector-tab-help").click();
  await page.locator("#open-example").click();
  await card(page, "score-model").waitFor();
  await idle(page);
  await runAll(page);
  assert.deepEqual(await states(page), {
    "decision-tree": "ran",
    "evaluate-model": "ran",
    "sample-datasets": "ran",
    "score-model": "ran",
    "split-data": "ran",
    "train-model": "ran",
  });
  await page.goto("about:blank");
  await open(profile);
  await page.getByText("Which iris is it?").first().waitFor();
});
