// The browser of a test: Chromium beside the sandbox, pictures of what it shows, and the judge
// of accessibility.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const PICTURES = path.resolve(here, "../../target/screenshots");
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const FLAGS = [
  "--no-sandbox", // The suite runs as root.
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser; `newContext` of what comes back gives a person their own. */
export async function openBrowser(sandbox) {
  return chromium.launch({ executablePath: sandbox.chromium, args: FLAGS });
}

/** A person at a browser: a context and one page, in a language and a size. */
export async function person(browser, sandbox, options = {}) {
  const context = await browser.newContext({
    baseURL: sandbox.origin,
    ignoreHTTPSErrors: true, // The certificate is self-signed; its fingerprint is tested elsewhere.
    locale: "en",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  // What waits for a condition may wait for long: the machine may be busy with other things.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(error.stack ?? error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== sandbox.origin) {
      page.complaints.push(`a request to another host: ${url}`);
    }
  });
  return page;
}

/** Waits until the islands of the page are awake. */
export async function awake(page) {
  await page.locator("html[data-awake]").waitFor({ state: "attached" });
}

/** A picture in target/screenshots, to look at. */
export async function picture(page, name) {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

/** Fails when axe finds anything wrong with the page, or it is wider than its window. */
export async function accessible(page, what) {
  // The page's policy forbids scripts of others: axe comes in as the tester's own.
  await page.evaluate(await readFile(axeFile, "utf8"));
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  const found = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    where: nodes.map((node) => node.target.join(" ")),
  }));
  assert.deepEqual(found, [], `axe on ${what}`);
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(excess, 0, `${what} is wider than its window`);
}

/** Fails when the page complained in its console, or asked another host for something. */
export function quiet(page) {
  assert.deepEqual(page.complaints.splice(0), []);
}
