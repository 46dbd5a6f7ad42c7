//! What every browser scenario stands on.
//!
//! `scenario` gives a fresh profile and a page, and fails when anything went
//! wrong that the scenario did not look at: a violation of the content
//! security policy, a request to another origin, an uncaught error, a message
//! on the console that reports an error.

import assert from "node:assert/strict";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { flags } from "./flags.js";

export const SIZE = { width: 1440, height: 900 };

/// The page as `cargo xtask test` serves it.
export const HOME = needed("MILLRACE_URL");
/// The folder that was built.
export const BUILT = needed("MILLRACE_PAGE");
/// A scenario that takes longer than this hangs.
const PATIENCE_MS = 120_000;

const axeSource = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let launched;
const browser = () => (launched ??= chromium.launch({ executablePath: needed("MILLRACE_CHROMIUM"), args: flags }));
after(async () => (await launched)?.close());

/// One test in a profile of its own.
///
/// `options` are Playwright's for a context, and: `host`, a `plainHost` to open
/// the page from, which `swap` makes serve another folder; `at`, which gives the address of a page that someone else
/// serves; `expected`, a pattern for errors that belong to the scenario.
export function scenario(name, options, body) {
  if (typeof options === "function") {
    return scenario(name, {}, options);
  }
  const { host, at, expected, ...contextOptions } = options;
  return test(name, { timeout: PATIENCE_MS }, async () => {
    const served = host && (await plainHost(host));
    const home = served?.home ?? at?.() ?? HOME;
    const profile = await newProfile({ home, expected, ...contextOptions });
    try {
      await body({ ...profile, swap: served?.swap, newProfile: (more = {}) => newProfile({ home, expected, ...more }, profile) });
      assert.deepEqual(await missingIcons(profile.page), [], "icons that are not in public/icons.svg");
      assert.deepEqual(profile.amiss, [], "the page did something that no page of ours may do");
    } catch (error) {
      await keepPicture(profile.page, name);
      await tellWhatWasShown(profile);
      throw error;
    } finally {
      for (const each of [profile, ...profile.others]) {
        await each.context.close();
      }
      await served?.close();
    }
  });
}

async function newProfile({ home, expected, ...options }, first) {
  const context = await (await browser()).newContext({ viewport: SIZE, reducedMotion: "reduce", ...options });
  const amiss = first?.amiss ?? [];
  const report = (message) => {
    if (!expected?.test(message) && !amiss.includes(message)) {
      amiss.push(message);
    }
  };
  await context.exposeBinding("reportViolation", (_, violation) => report(`security policy: ${violation}`));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample} ${event.sourceFile}`);
    });
  });
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && origin !== new URL(home).origin) {
      report(`request to another origin: ${request.url()}`);
    }
  });
  context.on("weberror", (error) => report(`uncaught: ${error.error()}`));
  context.on("console", (message) => {
    if (message.type() === "error" || /content security policy|trusted ?type/i.test(message.text())) {
      report(`console: ${message.text()}`);
    }
  });
  const page = await context.newPage();
  const profile = { context, page, amiss, home, others: [] };
  first?.others.push(profile);
  return profile;
}

/// The icons on the page that the sprite does not have: they would show as nothing.
function missingIcons(page) {
  return page.evaluate(() => {
    const named = [...document.querySelectorAll("use")].map((use) => use.getAttribute("href"));
    return [...new Set(named.filter((name) => !document.querySelector(`symbol${name}`)))];
  });
}

/// Opens the page, with a fragment when one is given, and waits until it rests.
export async function open({ page, home }, fragment = "") {
  await page.goto(home + fragment);
  await idle(page);
}

/// Waits until nothing is loading, checking or running.
export async function idle(page, timeout = 60_000) {
  await page.waitForSelector('html[data-idle="true"]', { timeout, state: "attached" });
}

/// Fails when axe finds anything in what is shown.
///
/// Where `MILLRACE_PICTURES` names a folder, it is shown there in both themes and two widths, for somebody to look at;
/// `part` is what they should see of a long page.
export async function assertAccessible(page, what, part) {
  await page.evaluate(await axeSource);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      resultTypes: ["violations"],
    }),
  );
  const found = violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.slice(0, 5).map((node) => node.html) }));
  assert.deepEqual(found, [], `axe found something in ${what}`);
  if (process.env.MILLRACE_PICTURES) {
    await picture(page, what, part);
  }
}

async function picture(page, what, part) {
  const [before, size] = [await page.locator("html").getAttribute("data-theme"), page.viewportSize()];
  const dress = (theme) =>
    page.evaluate((theme) => {
      const { dataset } = document.documentElement;
      theme === null ? delete dataset.theme : (dataset.theme = theme);
    }, theme);
  for (const theme of ["light", "dark"]) {
    await dress(theme);
    for (const [width, height] of [[1440, 900], [1280, 720]]) {
      await page.setViewportSize({ width, height });
      // A run that is paused never rests.
      await ((await page.locator("#stop").count()) > 0 ? page.waitForTimeout(400) : idle(page));
      await part?.evaluate((element) => element.scrollIntoView({ block: "center" }));
      const name = `${what} ${theme} ${width}`.replaceAll(/[^a-z0-9]+/gi, "-");
      await page.screenshot({ path: join(process.env.MILLRACE_PICTURES, `${name}.png`) });
    }
  }
  await dress(before);
  await page.setViewportSize(size);
}

/// A host that knows nothing of us: it sends no headers, and the page lies under a sub-path.
async function plainHost({ subPath, withhold = /^$/ }) {
  let root = BUILT;
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".svg": "image/svg+xml" };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    const below = pathname.startsWith(subPath) ? normalize(pathname.slice(subPath.length)) : undefined;
    const file = below === undefined ? undefined : join(root, below === "." || below === "" ? "index.html" : below);
    if (!file?.startsWith(root) || withhold.test(pathname) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404, { "content-type": "text/plain" }).end("There is no such file.\n");
      return;
    }
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    home: `http://localhost:${server.address().port}${subPath}`,
    swap: (folder) => {
      root = folder;
    },
    close: () => new Promise((closed) => {
      server.closeAllConnections();
      server.close(closed);
    }),
  };
}

/// A failed scenario leaves a picture of what was on the screen.
async function keepPicture(page, name) {
  const path = join(import.meta.dirname, "../output", `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.png`);
  await page.screenshot({ path, timeout: 5_000 }).then(
    () => console.error(`a picture of the failure is in ${path}`),
    () => {},
  );
}

/// A failed scenario says what was on the screen, and what went wrong beside it.
async function tellWhatWasShown({ page, amiss }) {
  const shown = await page.locator("body").innerText({ timeout: 5_000 }).catch(() => "nothing");
  console.error(`shown: ${shown.replaceAll(/\s+/g, " ").slice(0, 1_500)}`);
  console.error(`amiss: ${JSON.stringify(amiss)}`);
}

function needed(variable) {
  const value = process.env[variable];
  if (!value) {
    throw new Error(`${variable} is not set; run the scenarios with \`cargo xtask test browser\``);
  }
  return value;
}
