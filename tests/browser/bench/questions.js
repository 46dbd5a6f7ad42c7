//! How long the worker takes to answer a question about a million requests.

/// Requests that a page of the endpoint's monitor is told of, as the host would tell them.
const N = 1_000_000;

/// Questions of each kind that the language has.
export const QUESTIONS = {
  "counts and p95 by minute and version": "requests\n| summarize count(), percentile(duration, 95) by model_version, bin(timestamp, 1m)",
  "failures by minute, the most frequent": "requests\n| where resultCode >= 400 and duration > 5\n| summarize count(), avg(duration) by endpoint, bin(timestamp, 1m)\n| top 10 by count_",
  "the slowest": "requests\n| top 10 by duration\n| project timestamp, id, duration, resultCode, model_version",
};

/// Lets the page hear of so many requests instead of those that were kept.
export async function tellAMillion(page) {
  await page.addInitScript(invent, N);
}

function invent(n) {
  const ask = globalThis.fetch;
  globalThis.fetch = async (address, ...rest) => {
    if (!String(address).includes("v2/monitor/requests")) {
      return ask(address, ...rest);
    }
    const parts = [];
    const from = Date.now() - n * 36;
    // A fixed walk through the unit interval: the same requests in every run.
    let place = 0.5;
    for (let at = 0; at < n; at += 1) {
      place = (place + 0.618_033_988_749_894_9) % 1;
      const version = place < 0.1 ? 2 : 1;
      const status = place * 97 % 1 < 0.05 ? 400 : 200;
      const seconds = (-0.005 * Math.log(1 - (place * 31 % 1))).toFixed(6);
      parts.push(
        `{"at_ms":${from + at * 36},"id":"${at}","served":{"endpoint":"who-leaves","deployment":"blue","version":${version}},"status":${status},"seconds":${seconds},"n_rows":1}`,
      );
    }
    return new Response(new Blob(["[", parts.join(","), "]"]), { headers: { "content-type": "application/json" } });
  };
}

/// Milliseconds from the question to its answer, the page's message and the worker's included.
export async function answerTime(page, question) {
  await page.getByRole("textbox", { name: "Query" }).fill(question);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.waitForSelector('html[data-idle="true"]', { timeout: 120_000, state: "attached" });
  return Number(/ in ([\d.]+) ms/.exec(await page.locator("#monitor-answered").innerText())[1]);
}
