//! Starts the page: the security policy first, then the program.
//!
//! The build writes this file's `script` element with the addresses of the
//! program (`data-js`, `data-wasm`). The page finds the address of the worker
//! in `document.documentElement.dataset.worker` and starts it as a module.

import { rules } from "./policy.js";

// The smallest module with SIMD instructions in it (i8x16.splat, i8x16.popcnt).
const SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
);

/// This browser cannot run the program at all.
class Unsupported extends Error {}

const workerUrl = new URL("./start-worker.js", import.meta.url).href;
document.documentElement.dataset.worker = workerUrl;
globalThis.trustedTypes?.createPolicy("default", rules(workerUrl, new URL("sw.js", document.baseURI).href));

try {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    throw new Unsupported("WebAssembly SIMD is missing");
  }
  const { js, wasm } = document.getElementById("boot").dataset;
  const program = await import(new URL(js, document.baseURI).href);
  await program.default({ module_or_path: new URL(wasm, document.baseURI).href });
  document.getElementById("starting")?.remove();
} catch (error) {
  console.error(error);
  sayWhy(error);
}

// What is too large for the service worker is answered by a worker of this page (sw.js).
navigator.serviceWorker?.addEventListener("message", ({ data, ports }) => {
  if (data?.asked) {
    new Worker("sw.js").postMessage(data, [data.body.buffer, ...ports]);
  }
});

/// Shows what went wrong and what the reader can do about it.
function sayWhy(error) {
  const [heading, advice] =
    error instanceof Unsupported
      ? [
          "This browser is too old for Millrace",
          "It needs WebAssembly with SIMD: Chrome or Edge 91, Firefox 89, Safari 16.4, or anything newer.",
        ]
      : [
          "Millrace could not start",
          "A part of it did not load. Check the connection and reload the page; your saved pipelines are safe.",
        ];
  const starting = document.getElementById("starting") ?? document.body.appendChild(document.createElement("div"));
  starting.id = "starting";
  starting.setAttribute("role", "alert");
  starting.replaceChildren(
    element("h1", "starting__heading", heading),
    element("p", "starting__text", advice),
    element("p", "starting__detail", String(error.message ?? error)),
  );
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
