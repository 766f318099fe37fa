// The third story: the daily life of VServers that are there. Many at once, what runs in one, its
// mounts, services, logs, packages, numbers, and what the host's boot does. Real program, real Chromium.

import assert from "node:assert/strict";

import { accessible, awake, person, picture } from "../sandbox/browser.mjs";
import { until } from "../sandbox/sandbox.mjs";
import { BUILD_MS, logIn, onPhoneInFrench, row, setUp, story, succeeds } from "../sandbox/story.mjs";

/** Goes to a page, takes its picture and lets axe judge it. */
async function look(page, address, name) {
  await page.goto(address);
  await awake(page);
  await picture(page, name);
  await accessible(page, name);
}

/** What a command inside a VServer says. */
async function inside(sandbox, name, ...words) {
  const { code, output } = await sandbox.run("ulysse", "vserver", name, "exec", ...words);
  assert.equal(code, 0, output);
  return output.trim();
}

/** Ticks VServers in the list and says what is to be done to them; the dry run comes. */
async function choose(page, names, button) {
  await page.goto("/vservers");
  await awake(page);
  for (const name of names) await page.getByLabel(`Choose ${name}`).check();
  await page.getByRole("group", { name: /chosen/i }).getByRole("button", { name: button, exact: true }).click();
  await page.waitForURL(/\/batch\?/);
  await awake(page);
}

story("the daily life", (scene, step) => {
  step("a VServer is built, and cloned twice", async ({ page, sandbox }) => {
    await setUp(scene);
    await page.goto("/build");
    await awake(page);
    await page.getByLabel("Name", { exact: true }).fill("web1");
    await page.getByLabel("Mirror").fill(sandbox.mirror);
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await succeeds(page, BUILD_MS);
    for (const name of ["web2", "web3"]) {
      const words = ["vserver", name, "build", "-m", "clone", "--", "--source", "web1"];
      const { code, output } = await sandbox.run("ulysse", ...words);
      assert.equal(code, 0, output);
    }
  });

  step("many start after a dry run that says what each comes to", async ({ page, sandbox }) => {
    await sandbox.run("ulysse", "vserver", "web3", "start");
    await choose(page, ["web1", "web2", "web3"], "Start");
    await page.getByText(/Of 3 VServers 2 would be begun/).waitFor();
    assert.equal(await page.getByLabel("Choose web3").isChecked(), false, "it runs already");
    await page.locator("code").filter({ hasText: "--at-once" }).first().waitFor();
    await picture(page, "batch-dry-run");
    await accessible(page, "the dry run of a batch");
    await page.getByRole("button", { name: "Start now" }).click();
    await succeeds(page, BUILD_MS);
    for (const name of ["web1", "web2"]) {
      await page.getByRole("row", { name: new RegExp(name) }).filter({ hasText: "done" }).waitFor();
    }
    // The page is made anew once the end is known, and then stays.
    const address = page.url();
    await until("the page stays", async () => page.goto(address).then(() => true, () => false));
    await look(page, address, "batch-done");
    for (const name of ["web1", "web2", "web3"]) await row(page, name, "running");
  });

  step("the dashboard says how the host is and what runs", async ({ page }) => {
    await look(page, "/", "dashboard");
    await page.getByRole("link", { name: /running/i }).first().waitFor();
    await page.getByText("Nothing needs attention.").waitFor();
  });

  step("a process is found, and gone once it was signalled", async ({ page, sandbox }) => {
    await page.goto("/vservers/web1/processes?q=4242");
    await awake(page);
    // It comes into the open page.
    await inside(sandbox, "web1", "sh", "-c", "sleep 4242 >/dev/null 2>&1 </dev/null &");
    const sleeper = page.locator("#process-rows tr").filter({ hasText: "sleep 4242" });
    await sleeper.waitFor();
    await picture(page, "processes-of-one");
    await accessible(page, "the processes of a VServer");
    await sleeper.getByRole("link", { name: /^Signal process/ }).click();
    await page.getByRole("heading", { level: 1, name: /^Process \d+ of web1$/ }).waitFor();
    await accessible(page, "a process");
    await page.getByLabel("Signal", { exact: true }).selectOption("KILL");
    await page.locator("code").filter({ hasText: "vkill -s KILL --xid web1" }).waitFor();
    await picture(page, "process");
    await page.getByRole("button", { name: "Send the signal" }).click();
    await until("it is gone", async () => {
      const { output } = await sandbox.run("ulysse", "vps", "ax");
      return !output.includes("sleep 4242");
    });
    await look(page, "/processes?tree=true", "processes");
  });

  step("/tmp grows from 16 to 32 MB by a form", async ({ page, sandbox }) => {
    await look(page, "/vservers/web1/mounts", "mounts");
    assert.match(await inside(sandbox, "web1", "df", "-m", "/tmp"), /tmpfs +16 /);
    await page.getByRole("link", { name: "Change the mount at /tmp" }).click();
    await page.getByLabel("Size", { exact: true }).fill("32m");
    await picture(page, "mount-form");
    await accessible(page, "the form of a mount");
    await page.getByRole("button", { name: "Show the difference" }).click();
    await page.locator(".difference .added").filter({ hasText: "size=32m" }).waitFor();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await until("it is written", async () => {
      const { output } = await sandbox.run("cat", `${sandbox.folder}/etc/web1/fstab`);
      return /size=32m/.test(output);
    });
    await page.goto("/vservers/web1/mounts");
    await page.getByRole("button", { name: "Restart" }).click();
    await until("it runs with the new size", async () => {
      const { output } = await sandbox.run("ulysse", "vserver", "web1", "exec", "df", "-m", "/tmp");
      return /tmpfs +32 /.test(output);
    });
  });

  step("what happened inside, what it printed and what serves in it", async ({ page, sandbox }) => {
    await sandbox.run("ulysse", "vserver", "web2", "exec", "sh", "-c", "echo blue whale >/dev/console");
    await look(page, "/vservers/web2/events", "events");
    await look(page, "/vservers/web2/console", "console");
    // What is printed appears while the page is open, and the line that is being printed, too.
    const print = (text) => sandbox.run("ulysse", "vserver", "web2", "exec", "sh", "-c", `printf '${text}' >/dev/console`);
    await print("green par");
    await page.locator("#last-line").filter({ hasText: /green par$/ }).waitFor();
    await print("rot\\n");
    await page.getByText("green parrot").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download this boot’s console" }).click(),
    ]);
    if (!/^web2-console-\d{8}T\d{6}Z\.log$/.test(download.suggestedFilename())) {
      throw new Error(`a file called ${download.suggestedFilename()}`);
    }
    await page.getByLabel("Only lines with").fill("WHALE");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("blue whale").waitFor();
    await look(page, "/vservers/web2/services", "services");
  });

  step("packages are refreshed, installed and found over all", async ({ page, sandbox }) => {
    await look(page, "/packages", "packages-unasked");
    // The host's archive of security updates is not in this network, and one source that fails fails a refresh.
    const source = `deb ${sandbox.mirror} bookworm main`;
    const write = `rm -rf /etc/apt/sources.list.d; echo '${source}' >/etc/apt/sources.list`;
    await inside(sandbox, "web1", "sh", "-c", write);
    await page.goto("/vservers/web1/packages");
    await page.getByRole("button", { name: "Refresh", exact: true }).click();
    await page.waitForURL(/\/operations\/|\/packages/);
    const refreshed = async () => {
      await page.goto("/vservers/web1/packages");
      return (await page.getByText("not asked yet").count()) === 0;
    };
    await until("its lists are fetched", refreshed, BUILD_MS);
    await page.getByLabel("Packages", { exact: true }).fill("hello");
    await page.getByRole("button", { name: "Install", exact: true }).click();
    await until("hello is there", async () => {
      const words = ["vserver", "web1", "exec", "test", "-x", "/usr/bin/hello"];
      return (await sandbox.run("ulysse", ...words)).code === 0;
    }, BUILD_MS);
    await look(page, "/vservers/web1/packages", "packages-of-one");
    await look(page, "/packages?package=hello", "packages-found");
    await page.getByRole("rowheader", { name: "hello", exact: true }).waitFor();
    // One that is stopped is not started for it.
    await sandbox.run("ulysse", "vserver", "web2", "stop");
    const { code, output } = await sandbox.run("ulysse", "vapt-get", "web2", "--", "check");
    assert.equal(code, 0, output);
    await row(page, "web2", "stopped");
  });

  step("a mark puts it into the boot of the host", async ({ page, sandbox }) => {
    await page.goto("/vservers/web1");
    await awake(page);
    await page.getByRole("button", { name: "Start it when the host boots" }).click();
    await until("it is marked", async () => {
      const { output } = await sandbox.run("cat", `${sandbox.folder}/etc/web1/apps/init/mark`);
      return output.trim() === "default";
    });
    await page.goto("/vservers/web1");
    await page.getByRole("button", { name: "No longer start it when the host boots" }).waitFor();
    await look(page, "/boot", "boot");
    await page.getByRole("row", { name: /web1/ }).first().waitFor();
  });

  step("numbers of a VServer and of the host", async ({ page }) => {
    await look(page, "/vservers/web3/metrics", "numbers-of-one");
    await look(page, "/host", "host");
  });

  step("French, dark, and on a phone", async ({ page }) => {
    await onPhoneInFrench(page, [
      ["/", "dashboard"], ["/processes", "processes"], ["/packages", "packages"], ["/boot", "boot"],
      ["/host", "host"], ["/batch?action=stop&name=web1&name=web3", "batch"],
      ["/vservers/web1/processes", "processes-of-one"], ["/vservers/web1/services", "services"],
      ["/vservers/web1/console", "console"], ["/vservers/web1/events", "events"],
      ["/vservers/web1/mounts?file=fstab&line=0", "mounts"], ["/vservers/web1/packages?name=hello", "packages-of-one"],
      ["/vservers/web1/metrics", "numbers"],
    ]);
  });

  step("without JavaScript a batch is begun as well", async ({ browser, page, sandbox }) => {
    const bare = await person(browser, sandbox, { javaScriptEnabled: false });
    await logIn(bare);
    await bare.getByLabel("Choose web1").check();
    await bare.getByLabel("Choose web3").check();
    await bare.getByRole("group", { name: /chosen/i }).getByRole("button", { name: "Stop", exact: true }).click();
    await bare.waitForURL(/\/batch\?/);
    await bare.getByRole("button", { name: "Stop now" }).click();
    await bare.waitForURL(/\/operations\/.+/);
    await bare.context().close();
    for (const name of ["web1", "web3"]) await row(page, name, "stopped");
  });
});
