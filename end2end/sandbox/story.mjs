// A story that one person plays in a browser, step by step, on a host of its own: what every story
// does, whatever it is about.

import { after, before, describe, it } from "node:test";

import { accessible, awake, openBrowser, person, picture, quiet } from "./browser.mjs";
import { Sandbox } from "./sandbox.mjs";

export const PASSWORD = "correct horse battery staple";
// A build fetches and unpacks a whole base system, perhaps on a busy machine.
export const BUILD_MS = 180_000;

/**
 * Tells a story: `tell` gets the scene (its `sandbox`, `browser` and `page` are there once the first
 * step runs) and `step(name, work)`. A failed step shows page and log, and ends the story.
 */
export function story(title, tell) {
  describe(title, () => {
    const scene = { sandbox: null, browser: null, page: null };

    before(async () => {
      scene.sandbox = await Sandbox.open();
      scene.browser = await openBrowser(scene.sandbox);
      scene.page = await person(scene.browser, scene.sandbox);
    });

    after(async () => {
      await scene.browser?.close();
      await scene.sandbox?.close();
    });

    let broken = null;

    tell(scene, (name, work) => {
      it(name, async (test) => {
        if (broken) return test.skip(`after "${broken}"`);
        const { page, sandbox } = scene;
        page.complaints = [];
        try {
          await work(scene);
          quiet(page);
        } catch (error) {
          broken = name;
          await picture(page, `failed-${name.replaceAll(/\W+/g, "-")}`).catch(() => {});
          const complaints = page.complaints.join("\n");
          throw new Error(
            `${error.message}\nat ${page.url()}, which said:\n${complaints}\nlog:\n${sandbox.output}`,
            { cause: error },
          );
        }
      });
    });
  });
}

/** Waits for the dashboard, where people come in, and goes on to the list. */
async function toTheList(page) {
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  await page.getByRole("link", { name: "VServers", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "VServers" }).waitFor();
}

/** Follows the set-up link and becomes the first administrator, ada. */
export async function setUp({ page, sandbox }) {
  await page.goto(sandbox.setupLink);
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Create the administrator" }).click();
  await page.getByRole("link", { name: "Build the first VServer" }).waitFor();
  await picture(page, "dashboard-empty");
  await accessible(page, "the dashboard of a new host");
  await toTheList(page);
}

export async function logIn(page) {
  await page.goto("/login");
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await toTheList(page);
}

/** Waits for the page of an operation, and until it has succeeded. */
export async function succeeds(page, patienceMs) {
  await page.waitForURL(/\/operations\/.+/);
  await page.getByRole("status").filter({ hasText: /^done$/ }).waitFor({ timeout: patienceMs });
}

/** The list, once the row of this VServer is in this state. */
export async function row(page, name, state) {
  await page.goto("/vservers");
  await awake(page);
  const found = page.locator(`tr[data-vserver="${name}"]`);
  await found.and(page.locator(`[data-state="${state}"]`)).waitFor();
  return found;
}

/** Looks at pages, each an address and a name, in French, dark and on a phone. */
export async function onPhoneInFrench(page, pages) {
  await page.goto("/vservers");
  await page.getByRole("button", { name: "Français" }).click();
  await page.getByRole("button", { name: "Sombre" }).click();
  await page.locator('html[lang="fr"][data-theme="dark"]').waitFor({ state: "attached" });
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [address, name] of pages) {
    await page.goto(address);
    await awake(page);
    await picture(page, `phone-${name}`);
    await accessible(page, `${address} on a phone, dark, in French`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto("/vservers");
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("button", { name: "Light" }).click();
  await page.locator('html[lang="en"][data-theme="light"]').waitFor({ state: "attached" });
}
