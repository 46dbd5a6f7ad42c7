//! The service worker: the studio without a network, and the endpoint that lives in this browser.
//!
//! A scope has one service worker, so this is both. It is a classic script without imports, because a service worker may
//! not load code later; what it decides about requests is in `service_worker.wasm` (src/service_worker). The build puts
//! the build's id and the list of its files in place of the two constants.
//!
//! The browser ends a service worker whenever it likes: everything that matters is in the database before an answer is
//! given, and counts are written as soon as one was.

"use strict";

const BUILD = "";
const FILES = [];

/// The folder of this script. A page's worker runs it too, and has no registration to ask.
const SCOPE = new URL("./", location);
const CACHE_OF = (build) => `millrace ${SCOPE.pathname} ${build}`;
const CACHE = CACHE_OF(BUILD);
const PROGRAM = FILES.find((file) => file.endsWith("/service_worker.wasm"));
/// What the endpoint answers, from the scope on: the protocol, and the addresses that clients of other servers know.
const ENDPOINT = /^\/(v2(\/|$)|(invocations|score|ping|health|version|metrics)$)/;
/// What changes the registry.
const CHANGES = /^POST \/v2\/(registry\/|repository\/models\/)/;
/// A page listens here to what changes.
const news = new BroadcastChannel("millrace endpoint");

const json = (status, body) => Response.json(body, { status });
const problem = (status, code, error) => json(status, { error, code });

addEventListener("install", (event) => {
  event.waitUntil(keepFiles());
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetOldFiles(), clients.claim()]));
});

addEventListener("message", (event) => {
  // The reader chose to have the new build; a page asks only when nothing runs in it.
  if (event.data === "take over") {
    event.waitUntil(skipWaiting());
  } else if (event.data?.asked) {
    answerLarge(event);
  }
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  // Pages in scope are heard with every request they make, also to other hosts and other folders of this one.
  if (url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) {
    return;
  }
  const path = `/${url.pathname.slice(SCOPE.pathname.length)}`;
  if (ENDPOINT.test(path)) {
    event.respondWith(answerAsEndpoint(event, path, url.search.slice(1)));
  } else if (request.method === "GET") {
    event.respondWith(answerFromFiles(request, path));
  }
});

// The studio's own files

async function keepFiles() {
  const cache = await caches.open(CACHE);
  // A folder with the build's id holds the same files for ever, and the page has just fetched some of them.
  const mode = (file) => (/^assets-/.test(file) ? "force-cache" : "no-cache");
  const all = [...FILES, location.href];
  await cache.addAll(all.map((file) => new Request(new URL(file, SCOPE), { cache: mode(file) })));
}

async function forgetOldFiles() {
  for (const name of await caches.keys()) {
    if (name.startsWith(CACHE_OF("")) && name !== CACHE) {
      await caches.delete(name);
    }
  }
}

/// All files are of one build: a page never meets the programs of another.
async function answerFromFiles(request, path) {
  const asked = path === "/" || path === "/index.html" ? "./" : path.slice(1);
  const kept = await caches.match(new URL(asked, SCOPE), { cacheName: CACHE, ignoreVary: true });
  return kept ?? fetch(request);
}

// The database, which has the layout of a registry's folder and what was counted beside it

const STORES = {
  events: { autoIncrement: true },
  packages: {},
  totals: {},
  minutes: {},
  requests: {},
  exceptions: {},
  slices: {},
  mirrored: {},
  performance: {},
  remembered: { keyPath: "id" },
};
/// Counts are kept for a week, and so many rows of the tables that grow with every request.
const KEPT_MS = 7 * 24 * 3_600_000;
const KEPT_ROWS = { requests: 50_000, exceptions: 10_000, remembered: 10_000 };
/// What rows looked like is large, so it is written at most this often. A service worker that the browser ends in between
/// loses it; what was counted is written at once.
const SLICES_EVERY_MS = 5_000;
const SETTLE_EVERY_MS = 3_600_000;

/// What is written with every request.
const COUNTED = Object.keys(STORES).filter((name) => !["events", "packages"].includes(name));

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(`millrace endpoint ${SCOPE.pathname}`, 1);
    asked.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) {
        const store = asked.result.createObjectStore(name, options);
        if (name === "remembered") {
          store.createIndex("at_ms", "at_ms");
        }
      }
    };
    asked.onsuccess = () => {
      asked.result.onclose = () => (opened = undefined);
      resolve(asked.result);
    };
    asked.onerror = () => reject(asked.error);
  });
  opened.catch(() => (opened = undefined));
  return opened;
}

const done = (asked) =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

/// Runs `body` in a transaction and waits until it is written.
async function write(stores, durability, body) {
  const transaction = (await database()).transaction(stores, "readwrite", { durability });
  const written = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  await Promise.all([body((name) => transaction.objectStore(name)), written]);
}

async function read(store, range) {
  return done((await database()).transaction(store).objectStore(store).getAll(range));
}

// The program

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const seconds = () => performance.now() / 1000;

/// The compiled program outlives an instance that failed.
let compiled;
let starting;

function started() {
  if (starting === undefined) {
    const mine = start(forget);
    starting = mine;
    mine.catch(forget);
    // Whoever comes next starts another; one that was started meanwhile stays.
    function forget() {
      starting = starting === mine ? undefined : starting;
    }
  }
  return starting;
}

/// An instance as a function that answers messages. `onFailure` is told when it is of no more use.
async function start(onFailure) {
  const [module, events] = await Promise.all([compile(), read("events")]);
  const { exports } = await WebAssembly.instantiate(module, { host: { seconds } });
  let hasFailed = false;
  const fail = () => {
    hasFailed = true;
    onFailure();
  };
  const ask = (message, bytes = new Uint8Array()) => {
    if (hasFailed) {
      throw new ProgramGone();
    }
    const text = encoder.encode(JSON.stringify(message));
    const at = exports.inbox(4 + text.length + bytes.length);
    const inbox = new Uint8Array(exports.memory.buffer, at);
    new DataView(exports.memory.buffer).setUint32(at, text.length, true);
    inbox.set(text, 4);
    inbox.set(bytes, 4 + text.length);
    const size = tried(exports.call, fail);
    const outbox = new Uint8Array(exports.memory.buffer, exports.outbox(), size);
    const end = 4 + new DataView(exports.memory.buffer, exports.outbox()).getUint32(0, true);
    // Copied: the memory is used again.
    return [JSON.parse(decoder.decode(outbox.slice(4, end))), outbox.slice(end)];
  };
  const [{ needs, message }] = ask({
    open: { events: events.join(""), now_ms: Date.now(), seed: crypto.getRandomValues(new Uint32Array(1))[0] },
  });
  if (message !== undefined) {
    throw new Error(message);
  }
  await load(ask, needs);
  return ask;
}

/// A program that fails once does not know any longer what it knew.
function tried(body, onFailure) {
  try {
    return body();
  } catch (error) {
    onFailure();
    throw new ProgramFailed(error);
  }
}

class ProgramFailed extends Error {
  constructor(cause) {
    super(String(cause), { cause });
  }
}

/// Another request ended the program that was to answer this one.
class ProgramGone extends Error {}

async function compile() {
  compiled ??= (async () => {
    const kept = (await caches.match(new URL(PROGRAM, SCOPE))) ?? (await fetch(new URL(PROGRAM, SCOPE)));
    // It is compiled as it is read, where the host says what it is.
    const isTyped = kept.headers.get("content-type") === "application/wasm";
    return isTyped ? WebAssembly.compileStreaming(kept) : WebAssembly.compile(await kept.arrayBuffer());
  })();
  compiled.catch(() => (compiled = undefined));
  return compiled;
}

/// Loads packages until nothing is missing.
async function load(ask, needs) {
  while (needs.length > 0) {
    const [hash] = needs;
    const bytes = await packageOf(hash);
    [{ needs }] = ask({ load: { package: hash } }, bytes ?? new Uint8Array());
  }
}

async function packageOf(hash) {
  return done((await database()).transaction("packages").objectStore("packages").get(hash));
}

// Requests

let inFlight = 0;

/// What a request asks to go wrong is done by the program, but for waiting, which it cannot.
const DELAY = /^delay=(\d{1,4})$/;

function delayOf(request) {
  const [, ms = 0] = DELAY.exec(request.headers.get("x-millrace-fault")) ?? [];
  return ms > 0 && new Promise((resolve) => setTimeout(resolve, ms));
}

async function answerAsEndpoint(event, path, query) {
  const arrived = seconds();
  inFlight += 1;
  try {
    return await answer(event, path, query, arrived);
  } catch (error) {
    console.warn(error);
    const isFull = error?.name === "QuotaExceededError";
    return isFull
      ? problem(507, "storage.full", "this browser gives Millrace no more room: free some, and try again")
      : problem(500, "request.failed", `the endpoint in this browser failed: ${error?.message ?? error}`);
  } finally {
    inFlight -= 1;
  }
}

async function answer(event, path, query, arrived) {
  const { request } = event;
  const [buffer] = await Promise.all([request.arrayBuffer(), started(), delayOf(request)]);
  for (;;) {
    try {
      return await answerWith(await started(), event, path, query, arrived, new Uint8Array(buffer));
    } catch (error) {
      if (!(error instanceof ProgramGone)) {
        throw error;
      }
    }
  }
}

async function answerWith(ask, event, path, query, arrived, body) {
  const { request } = event;
  const asked = {
    method: request.method,
    path,
    query,
    headers: [...request.headers],
    id: crypto.randomUUID(),
    now_ms: Date.now(),
    arrived,
    in_flight: inFlight,
  };
  if (CHANGES.test(`${request.method} ${path}`)) {
    return oneByOne(() => change(asked, body));
  }
  let out, bytes, taken;
  let hasCopy = false;
  try {
    const elsewhere = await answerElsewhere(asked, body);
    [out, bytes, taken] = elsewhere ?? (await answerOf(ask, asked, body));
    hasCopy = elsewhere === undefined && out.has_copy;
  } catch (error) {
    if (!(error instanceof ProgramFailed)) {
      throw error;
    }
    console.warn(error);
    ask = await started();
    [out, bytes, taken] = counted(ask, ask({ failed: asked }));
  }
  event.waitUntil(keepTaken(taken));
  event.waitUntil(follow(ask, hasCopy).then(() => slicing));
  return new Response(request.method === "HEAD" ? null : bytes, { status: out.status, headers: out.headers });
}

/// An answer, with what it rests on.
async function answerOf(ask, asked, body) {
  let [out, bytes] = ask({ request: asked }, body);
  if (out.type === "needs") {
    await writeCounts(ask, false);
    [out, bytes] = ask({ request: { ...asked, past: await past(out) } }, body);
  }
  if (out.type === "package") {
    const found = await packageOf(out.package);
    if (found === undefined) {
      const told = { error: `there is no package ${out.package.slice(0, 8)}`, code: "request.not_found" };
      return counted(ask, [{ status: 404, headers: [["content-type", "application/json"]] }, JSON.stringify(told)]);
    }
    return counted(ask, out.is_header ? ask("header", found) : [{ status: 200, headers: [] }, found]);
  }
  return counted(ask, [out, bytes]);
}

/// An answer with what was counted of it, at once: another request may end the program before anyone asks it again.
function counted(ask, [out, bytes]) {
  const [taken] = ask({ take: { with_slices: false } });
  return [out, bytes, taken];
}

// Large requests

/// A service worker has one thread, and nobody else is answered while it predicts. A larger body, some 20,000 rows of five
/// numbers, goes to a worker of a page of the studio, which runs this script on the same database.
const LARGE = 1 << 20;
const PREDICTS = /^POST \/(v2\/models\/[^/]+(\/versions\/[^/]+)?\/infer|invocations|score)$/;
/// How long a page may take to begin, and to answer. A page that is closed meanwhile says nothing any more.
const BEGINS_MS = 1_000;
const ANSWERS_MS = 60_000;

/// The next message of a port; none if it does not come in time.
function heard(port, ms) {
  return new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
    setTimeout(resolve, ms);
  });
}

/// An answer from a page's worker, and what it counted; none if the request is small, or no page takes it.
async function answerElsewhere(asked, body) {
  if (body.length <= LARGE || !PREDICTS.test(`${asked.method} ${asked.path}`)) {
    return undefined;
  }
  const pages = await clients.matchAll({ type: "window" });
  const isStudio = ({ url }) => ["", "index.html"].includes(new URL(url).pathname.slice(SCOPE.pathname.length));
  for (const page of pages.filter(isStudio)) {
    const { port1, port2 } = new MessageChannel();
    page.postMessage({ asked, body, origin: performance.timeOrigin }, [port2]);
    const told = (await heard(port1, BEGINS_MS)) && (await heard(port1, ANSWERS_MS));
    port1.close();
    if (told?.error) {
      throw new ProgramFailed(told.error);
    }
    if (told) {
      return told;
    }
  }
  return undefined;
}

/// In a page's worker: answers one request, and is of no more use.
async function answerLarge({ data: { asked, body, origin }, ports: [port] }) {
  port.postMessage("begun");
  try {
    const ask = await started();
    // Clocks begin when a worker does.
    const arrived = asked.arrived + (origin - performance.timeOrigin) / 1000;
    const [out, bytes] = ask({ request: { ...asked, arrived } }, body);
    if (out.has_copy) {
      ask({ copy: { now_ms: Date.now() } });
    }
    const [taken] = ask({ take: { with_slices: true } });
    port.postMessage([out, bytes, taken], [bytes.buffer]);
  } catch (error) {
    port.postMessage({ error: String(error) });
  }
  close();
}

/// The last change of the registry. They wait for each other: one that cannot be kept takes what it changed with it.
let changing = Promise.resolve();

function oneByOne(body) {
  const next = changing.then(body);
  changing = next.catch(() => {});
  return next;
}

/// A change is in the database before anyone is told of it; if it cannot be, it was not made.
async function keepChange(append, keep, body) {
  try {
    await write(["events", "packages"], "strict", (store) =>
      Promise.all([done(store("events").add(append)), keep && done(store("packages").put(body, keep))]),
    );
  } catch (error) {
    starting = undefined;
    throw error;
  }
}

async function change(asked, body) {
  const ask = await started();
  const [{ status, headers, append, keep, needs }, bytes] = ask({ request: asked }, body);
  if (append) {
    await keepChange(append, keep, body);
    await load(ask, needs);
    news.postMessage("changed");
  }
  return new Response(bytes, { status, headers });
}

// What was counted

/// Sums as they are in the database, or on their way to it. Nobody else writes them, so that a writing need not wait for the
/// one before.
const sums = new Map();
const MAX_SUMS = 500;
let isSlicing = false;
/// Resolves when the slices that are under way are written.
let slicing = Promise.resolve();
let settledMs = 0;
let nWritten = 0;

/// What an answer brings with it besides: a copy for a mirror, and slices that are written after a while.
async function follow(ask, hasCopy) {
  if (!isSlicing) {
    isSlicing = true;
    // Keeps the service worker alive until then, if the browser lets it.
    const later = new Promise((resolve) => setTimeout(resolve, SLICES_EVERY_MS));
    slicing = later.then(async () => {
      isSlicing = false;
      return writeCounts(await started(), true);
    });
  }
  if (hasCopy) {
    ask({ copy: { now_ms: Date.now() } });
    await writeCounts(ask, false);
  }
}

/// Writes what was counted.
async function keepTaken(taken) {
  const rows = { requests: taken.requests, exceptions: taken.exceptions };
  const more = added(taken);
  if (more.length + taken.requests.length + taken.exceptions.length > 0) {
    try {
      await addUp(more, rows, taken);
    } catch (error) {
      console.warn("what was counted could not be kept:", error);
    }
  }
}

async function writeCounts(ask, withSlices) {
  const [taken] = ask({ take: { with_slices: withSlices } });
  await keepTaken(taken);
  if (withSlices && Date.now() - settledMs > SETTLE_EVERY_MS) {
    settledMs = Date.now();
    await settle(ask);
  }
  if (withSlices && taken.has_rules) {
    await followRules(ask);
  }
}

/// What comes to which sum: how they are added up, the store, the key, the record.
function added({ minutes, slices, mirrored, performance }) {
  return [
    ...minutes.flatMap((record) => {
      const { minute, served } = record.key;
      const name = JSON.stringify(served);
      return [
        ["merge", "minutes", [minute * 60_000, name], record],
        ["merge", "totals", [name], record],
      ];
    }),
    ...slices.map((record) => ["merge_slices", "slices", keyOfSlice(record), record]),
    ...mirrored.map((record) => ["merge_mirrored", "mirrored", [record.endpoint, record.live, record.mirror], record]),
    ...performance.map((record) => {
      const { minute, served } = record.key;
      return ["merge_performance", "performance", [minute * 60_000, JSON.stringify(served)], record];
    }),
  ];
}

function keyOfSlice({ key: { minute, n_minutes, ...of } }) {
  return [(minute + n_minutes) * 60_000, JSON.stringify(of)];
}

const nameOfSum = (store, key) => `${store} ${key.join(" ")}`;

async function readSum(store, key) {
  const kept = await done((await database()).transaction(store).objectStore(store).get(key));
  const name = nameOfSum(store, key);
  // Somebody else may have read it meanwhile, and added to it.
  if (!sums.has(name)) {
    sums.set(name, kept && JSON.parse(kept));
  }
}

/// Adds to sums: what is to be written, each with its store and key.
async function merged(more) {
  for (;;) {
    const ask = await started();
    // Sums that are forgotten meanwhile are read again.
    const unknown = more.filter(([, store, key]) => !sums.has(nameOfSum(store, key)));
    if (unknown.length > 0) {
      await Promise.all(unknown.map(([, store, key]) => readSum(store, key)));
      continue;
    }
    const anew = new Map();
    try {
      for (const [how, store, key, record] of more) {
        const name = nameOfSum(store, key);
        const kept = anew.get(name)?.record ?? sums.get(name);
        anew.set(name, { store, key, record: kept ? ask({ [how]: { kept, more: record } })[0].record : record });
      }
    } catch (error) {
      if (error instanceof ProgramGone) {
        continue;
      }
      throw error;
    }
    anew.forEach(({ record }, name) => sums.set(name, record));
    return [...anew.values()].map(({ store, key, record }) => [store, key, JSON.stringify(record)]);
  }
}

async function addUp(more, rows, { remembered, judged }) {
  const puts = await merged(more);
  await write(COUNTED, "relaxed", (store) => {
    puts.forEach(([name, key, record]) => store(name).put(record, key));
    remembered.forEach(([id, row]) => store("remembered").put({ id, at_ms: row.at_ms, row: JSON.stringify(row) }));
    judged.forEach((id) => store("remembered").delete(id));
    for (const [name, all] of Object.entries(rows)) {
      all.forEach((row) => store(name).put(JSON.stringify(row), [row.at_ms, crypto.randomUUID()]));
    }
    if (nWritten++ % 100 === 0) {
      forgetOldCounts(store);
    } else {
      store("totals").transaction.commit();
    }
  });
  if (sums.size > MAX_SUMS) {
    sums.clear();
  }
  news.postMessage("counted");
}

/// Lets rules move traffic, as whoever looks at the page would.
async function followRules(ask) {
  const minutes = await read("minutes", IDBKeyRange.lowerBound([Date.now() - 3_600_000]));
  await oneByOne(async () => {
    const [{ append, needs, message }] = ask({
      rules: { minutes: minutes.map((row) => JSON.parse(row)), now_ms: Date.now() },
    });
    if (message !== undefined) {
      console.warn("a rule could not be followed:", message);
    } else if (append) {
      await keepChange(append);
      await load(ask, needs);
      news.postMessage("changed");
    }
  });
}

function forgetOldCounts(store) {
  for (const name of ["minutes", "requests", "exceptions", "performance"]) {
    store(name).delete(IDBKeyRange.upperBound([Date.now() - KEPT_MS]));
  }
  for (const [name, most] of Object.entries(KEPT_ROWS)) {
    const counted = store(name).count();
    const byTime = name === "remembered" ? store(name).index("at_ms") : store(name);
    counted.onsuccess = () => {
      let excess = counted.result - most;
      if (excess <= 0) {
        return;
      }
      const oldest = byTime.openCursor();
      oldest.onsuccess = () => {
        if (excess-- > 0 && oldest.result) {
          oldest.result.delete();
          oldest.result.continue();
        }
      };
    };
  }
}

/// Adds up slices that are hours old, so that a week of them stays small.
async function settle(ask) {
  await write(["slices"], "relaxed", async (store) => {
    const all = await done(store("slices").getAll());
    sums.clear();
    const [{ slices }] = ask({ settle: { slices: all.map((row) => JSON.parse(row)), now_ms: Date.now() } });
    store("slices").clear();
    slices.forEach((record) => store("slices").put(JSON.stringify(record), keyOfSlice(record)));
  });
}

/// What is kept of the past, from some moment on.
async function past({ tables, request, since_ms: sinceMs }) {
  if (request) {
    const found = await done((await database()).transaction("remembered").objectStore("remembered").get(request));
    return { remembered: found && JSON.parse(found.row) };
  }
  const rowsOf = async (table) => {
    const isTimed = !["totals", "mirrored"].includes(table);
    // A minute that began before the moment may reach into it.
    const rows = await read(table, isTimed ? IDBKeyRange.lowerBound([sinceMs - 60_000]) : undefined);
    return [table, rows.map((row) => JSON.parse(row))];
  };
  return Object.fromEntries(await Promise.all(tables.map(rowsOf)));
}
