// Opens pages in a headless Chromium, lets each send requests as a script of that page, and prints what came of them.
//
// Standard input: {"chromium": PATH, "profile": DIR, "pages": [{"url": …, "requests": [{"url": …, "options": {…}}]}]}.
// Standard output: a list with an entry for each page: {"status": of the page, "seen": what its script could read of
// each request, "answered": [url, status] of every response that reached the browser, readable or not}.
// Every name that ends in `.test` is this machine.
import { chromium } from "playwright-core";

const input = [];
for await (const chunk of process.stdin) input.push(chunk);
const plan = JSON.parse(Buffer.concat(input).toString());

const browser = await chromium.launchPersistentContext(plan.profile, {
  executablePath: plan.chromium,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-proxy-server",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
  ],
});

async function send(requests) {
  const one = async ({ url, options }) => {
    try {
      const response = await fetch(url, { ...options, signal: AbortSignal.timeout(10_000) });
      return { type: response.type, status: response.status, body: await response.text() };
    } catch (error) {
      return { type: "error", status: 0, body: error.name };
    }
  };
  const seen = [];
  for (const request of requests) seen.push(await one(request));
  return seen;
}

const results = [];
for (const { url, requests } of plan.pages) {
  const page = await browser.newPage();
  const opened = await page.goto(url);
  const answered = [];
  page.on("response", (response) => answered.push([response.url(), response.status()]));
  const seen = await page.evaluate(send, requests);
  results.push({ status: opened.status(), seen, answered });
  await page.close();
}
await browser.close();
console.log(JSON.stringify(results));
