//! What the page may turn from text into something that runs.
//!
//! The content security policy asks for Trusted Types. The framework builds
//! inert subtrees from its own templates, so HTML is allowed as long as nothing
//! in it can run; scripts are never made from text, and the only scripts that
//! may be started by their addresses are the worker and the service worker.

const RUNNING_ELEMENTS = new Set(
  ["script", "iframe", "frame", "object", "embed", "base", "meta", "link", "style", "animate", "set", "foreignobject"],
);
const RUNNING_ADDRESS = /^(javascript|vbscript|data:text\/html|data:image\/svg)/i;

/// The rules of the default policy for a page that starts the scripts at these addresses.
export function rules(...scripts) {
  const parse = parser();
  return {
    createHTML(html) {
      const culprit = firstThatRuns(parse(html));
      if (culprit) {
        throw new TypeError(`refused HTML in which ${culprit} could run a script`);
      }
      return html;
    },
    createScript() {
      throw new TypeError("refused to make a script from text");
    },
    createScriptURL(url) {
      if (!scripts.includes(new URL(url, document.baseURI).href)) {
        throw new TypeError(`refused to load a script from ${url}`);
      }
      return url;
    },
  };
}

/// Parses HTML as the page would, in a document where nothing loads or runs.
function parser() {
  const unchecked = globalThis.trustedTypes?.createPolicy("inspection", { createHTML: (html) => html });
  const document = globalThis.document.implementation.createHTMLDocument("");
  return (html) => {
    const template = document.createElement("template");
    template.innerHTML = unchecked?.createHTML(html) ?? html;
    return template.content;
  };
}

/// Names the first element or attribute that could run something.
function firstThatRuns(fragment) {
  for (const element of fragment.querySelectorAll("*")) {
    const name = element.localName.toLowerCase();
    if (RUNNING_ELEMENTS.has(name)) {
      return `<${name}>`;
    }
    for (const attribute of element.attributes) {
      const address = attribute.value.replace(/[\u0000-\u0020]/g, "");
      if (/^on|^srcdoc$/i.test(attribute.localName) || RUNNING_ADDRESS.test(address)) {
        return `${attribute.name} of <${name}>`;
      }
    }
    const inside = element.content && firstThatRuns(element.content);
    if (inside) {
      return inside;
    }
  }
  return undefined;
}
