//! Starts the engine inside the worker.
//!
//! Messages that arrive while the program is still loading are kept and
//! handed over in order, so the page may talk to the worker at once.

import init from "./worker.js";

const early = [];
const keep = (event) => {
  event.stopImmediatePropagation();
  early.push(event);
};
addEventListener("message", keep);

try {
  await init();
  removeEventListener("message", keep);
  for (const { data, ports } of early) {
    dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
  }
} catch (error) {
  // Reaches the page as an `error` event of its Worker object.
  reportError(error);
}
