//! Starts the engine inside the worker.
//!
//! Messages that arrive while the program is still loading are kept and
//! handed over in order, so the page may talk to the worker at once.
//!
//! The engine starts helpers by this same script. The first message that one
//! of them gets is the program, compiled already.

import init from "./worker.js";

globalThis.trustedTypes?.createPolicy("default", {
  createScriptURL(url) {
    if (url !== location.href) {
      throw new TypeError(`refused to load a script from ${url}`);
    }
    return url;
  },
});

/// Finds the GPU. Its program is loaded when it is first asked for.
globalThis.findGpu = async () => {
  if (!navigator.gpu) {
    throw new Error("this browser offers no WebGPU here");
  }
  const program = await import("./accelerator.js");
  await program.default();
  const { description, vendor, architecture } = (await navigator.gpu.requestAdapter())?.info ?? {};
  return program.find(description || [vendor, architecture].filter(Boolean).join(" "));
};

const compiled = globalThis.name === "helper" && new Promise((heard) => {
  const take = (event) => {
    event.stopImmediatePropagation();
    heard({ module_or_path: event.data });
  };
  addEventListener("message", take, { once: true });
});

const early = [];
const keep = (event) => {
  event.stopImmediatePropagation();
  early.push(event);
};
addEventListener("message", keep);

try {
  await init((await compiled) || undefined);
  removeEventListener("message", keep);
  for (const { data, ports } of early) {
    dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
  }
} catch (error) {
  // Reaches the page as an `error` event of its Worker object.
  reportError(error);
}
