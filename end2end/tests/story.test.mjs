// The story of the README, as one person plays it: from the set-up link to a running VServer with a
// shell in the browser, and away with it. Real program, real debootstrap, real Chromium.

import assert from "node:assert/strict";

import { accessible, awake, person, picture } from "../sandbox/browser.mjs";
import { until } from "../sandbox/sandbox.mjs";
import { BUILD_MS, PASSWORD, logIn, onPhoneInFrench, row, setUp, story, succeeds } from "../sandbox/story.mjs";
import { runs, shows } from "../sandbox/terminal.mjs";

story("the story", (scene, step) => {
  step("the set-up link makes the first administrator, once", async ({ browser, page, sandbox }) => {
    await page.goto(sandbox.setupLink);
    await picture(page, "readme-set-up");
    await accessible(page, "set-up");
    await setUp({ page, sandbox });
    const other = await person(browser, sandbox);
    const answer = await other.goto(sandbox.setupLink);
    assert.ok(answer.status() >= 400, "a used link is refused");
    await other.context().close();
  });

  step("log out, refused with a wrong password, log in", async ({ page }) => {
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL("**/login");
    await accessible(page, "log-in");
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").waitFor();
    await picture(page, "log-in-refused");
    await logIn(page);
    await awake(page);
    await picture(page, "list-empty");
    await accessible(page, "the empty list");
  });

  step("the form judges each field and shows the command", async ({ page, sandbox }) => {
    await page.getByRole("link", { name: "Build a VServer", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Build a VServer" }).waitFor();
    await awake(page);
    const name = page.getByLabel("Name", { exact: true });
    await name.fill("not a name");
    await page.locator("#field-name[aria-invalid=true]").waitFor();
    await name.fill("web1");
    await page.getByLabel("Mirror").fill(sandbox.mirror);
    await page.locator(".preview code").filter({ hasText: "vserver web1 build" }).waitFor();
    await picture(page, "readme-build");
    await accessible(page, "the build form");
  });

  step("a build shows its progress and its log, also after one has left", async ({ page }) => {
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await page.waitForURL(/\/operations\/.+/);
    await page.getByRole("log").filter({ hasText: /\w/ }).waitFor({ timeout: BUILD_MS });
    await accessible(page, "an operation");
    const address = page.url();
    await page.goto("/vservers");
    await page.goto(address);
    await page.getByRole("log").filter({ hasText: /Unpacking/ }).waitFor({ timeout: BUILD_MS });
    await picture(page, "readme-building");
    await succeeds(page, BUILD_MS);
    await picture(page, "built");
  });

  step("the list has it; it starts", async ({ page }) => {
    const stopped = await row(page, "web1", "stopped");
    await stopped.getByRole("button", { name: "Start web1" }).click();
    const running = await row(page, "web1", "running");
    await running.getByText(/^\d+m\d+/).first().waitFor();
    await picture(page, "readme-list");
    await accessible(page, "the list");
    await page.getByRole("link", { name: "web1" }).click();
    await page.getByRole("heading", { level: 1, name: "web1" }).waitFor();
    await awake(page);
    // Charts with a line in them: some samples have come.
    await page.waitForFunction(() =>
      document.querySelector(".chart .line")?.getAttribute("d").split("L").length > 4);
    await picture(page, "readme-vserver");
    await accessible(page, "a VServer");
  });

  step("a terminal is a shell inside, and survives a reload", async ({ page }) => {
    await page.getByRole("button", { name: "Open a terminal" }).click();
    await page.waitForURL(/\/terminals\/.+/);
    await shows(page, /web1:.*# $/m);
    await page.locator(".xterm-helper-textarea").focus();
    const processes = await runs(page, "ps ax -o pid,comm");
    assert.equal(processes.status, 0);
    assert.match(processes.output, /^ +1 \w+/m);
    assert.doesNotMatch(processes.output, /ulysse|chrom/);
    const addresses = await runs(page, "ip -brief address");
    assert.match(addresses.output, /10\.127\.0\.\d+/);
    assert.doesNotMatch(addresses.output, /198\.51\.100\.1/);
    await runs(page, "printf '\\033[32mgrün ✓ \\033[0m\\n'; MEMORY=kept");
    await picture(page, "readme-terminal");
    await accessible(page, "a terminal");
    await page.reload();
    await shows(page, /grün ✓/);
    assert.match((await runs(page, "echo $MEMORY")).output, /kept/);
  });

  step("the web process may die: the terminal comes back", async ({ page, sandbox }) => {
    const found = await sandbox.run("pgrep", "-f", " web --config ");
    const pid = found.output.trim();
    assert.match(pid, /^\d+$/, "one web process");
    await sandbox.run("kill", "-9", pid);
    await page.locator('[data-terminal-screen][data-state="lost"]').waitFor();
    await page.locator('[data-terminal-screen][data-state="connected"]').waitFor();
    assert.match((await runs(page, "echo $MEMORY")).output, /kept/);
    // What a browser says about a connection that broke is no complaint about the page.
    page.complaints = [];
  });

  step("packages install, and ssh gets in from the host", async ({ page, sandbox }) => {
    const key = `${sandbox.folder}/key`;
    await sandbox.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
    const { output: publicKey } = await sandbox.run("cat", `${key}.pub`);
    const quiet = "DEBIAN_FRONTEND=noninteractive apt-get -qq";
    assert.equal((await runs(page, `${quiet} update >/dev/null`, BUILD_MS)).status, 0);
    const install = `${quiet} install -y openssh-server >/dev/null 2>&1`;
    assert.equal((await runs(page, install, BUILD_MS)).status, 0);
    await runs(page, `mkdir -pm700 ~/.ssh; echo '${publicKey.trim()}' >~/.ssh/authorized_keys`);
    const { output } = await runs(page, "hostname -I");
    const address = output.trim().split(/\s+/)[0];
    const ssh = await until("ssh gets in", async () => {
      const answer = await sandbox.run(
        "ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", `root@${address}`, "hostname",
      );
      return answer.code === 0 && answer;
    });
    assert.equal(ssh.output.trim(), "web1");
  });

  step("a second build of the same suite takes seconds", async ({ page, sandbox }) => {
    await page.goto("/build");
    await awake(page);
    await page.getByLabel("Name", { exact: true }).fill("web2");
    await page.getByLabel("Mirror").fill(sandbox.mirror);
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await page.waitForURL(/\/operations\/.+/);
    await succeeds(page, BUILD_MS);
    // From the base: nothing was fetched or unpacked for it.
    assert.doesNotMatch(await page.getByRole("log").innerText(), /Retrieving|Unpacking/);
  });

  step("French, dark, and on a phone", async ({ page }) => {
    await onPhoneInFrench(page, [
      ["/vservers", "list"], ["/vservers/web1", "vserver"], ["/build", "build"],
      ["/operations", "operations"], ["/users", "users"], ["/terminals", "terminal"], ["/account/password", "password"],
    ]);
  });

  step("without JavaScript every form works", async ({ browser, sandbox }) => {
    const bare = await person(browser, sandbox, { javaScriptEnabled: false });
    await logIn(bare);
    await bare.getByRole("button", { name: "Start web2" }).click();
    await until("web2 runs", async () => {
      await bare.goto("/vservers");
      return bare.locator('tr[data-vserver="web2"][data-state="running"]').isVisible();
    });
    await bare.goto("/build");
    await bare.locator("#field-name").fill("no such name");
    await bare.getByRole("button", { name: "Build", exact: true }).click();
    await bare.locator(".problem").first().waitFor();
    await picture(bare, "no-js-build-refused");
    await bare.context().close();
  });

  step("the command line sees the same, and what it does shows in the list", async ({ page, sandbox }) => {
    const stat = await sandbox.run("ulysse", "vserver-stat");
    assert.match(stat.output, /^CTX +PROC +VSZ +RSS +userTIME +sysTIME +UPTIME +NAME/);
    assert.match(stat.output, /web1/);
    await row(page, "web2", "running");
    const stopped = await sandbox.run("ulysse", "vserver", "web2", "stop");
    assert.equal(stopped.code, 0, stopped.output);
    await page.locator('tr[data-vserver="web2"][data-state="stopped"]').waitFor();
  });

  step("delete says what goes away, and takes it away", async ({ page }) => {
    await page.goto("/vservers/web1");
    await awake(page);
    await page.getByRole("link", { name: /^Delete/ }).click();
    await page.getByRole("heading", { level: 1, name: "Delete web1" }).waitFor();
    await picture(page, "delete");
    await accessible(page, "delete");
    await page.getByLabel(/to confirm/).fill("web1");
    await page.getByRole("button", { name: "Delete web1" }).click();
    await succeeds(page, BUILD_MS);
    await page.goto("/vservers");
    await page.locator('tr[data-vserver="web2"]').waitFor();
    assert.equal(await page.locator('tr[data-vserver="web1"]').count(), 0);
    await page.goto("/operations");
    await awake(page);
    await picture(page, "operations");
    await accessible(page, "the operations");
  });

  step("a viewer looks and does not touch", async ({ browser, page, sandbox }) => {
    await page.goto("/users/create");
    await page.getByLabel("User name").fill("vera");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("Password again").fill(PASSWORD);
    await page.getByRole("radio", { name: /viewer/i }).check();
    await accessible(page, "a new user");
    await page.getByRole("button", { name: "Create the user" }).click();
    await page.getByText("vera was created.").waitFor();

    const vera = await person(browser, sandbox);
    await vera.goto("/login");
    await vera.getByLabel("User name").fill("vera");
    await vera.getByLabel("Password").fill(PASSWORD);
    await vera.getByRole("button", { name: "Log in" }).click();
    await vera.waitForURL("**/account/password");
    await vera.getByLabel("Current password").fill(PASSWORD);
    await vera.getByLabel("Password", { exact: true }).fill(`${PASSWORD} 2`);
    await vera.getByLabel("Password again").fill(`${PASSWORD} 2`);
    await vera.getByRole("button", { name: "Change the password" }).click();
    await vera.goto("/vservers");
    await vera.locator('tr[data-vserver="web2"]').waitFor();
    assert.equal(await vera.getByRole("button", { name: "Start web2" }).count(), 0);
    assert.equal((await vera.goto("/build")).status(), 403);

    // Disabled while she looks: the page does not stay.
    await vera.goto("/vservers");
    await awake(vera);
    await page.goto("/users");
    await page.getByRole("row", { name: /vera/ }).getByRole("button", { name: "Disable vera" }).click();
    await vera.waitForURL("**/login**");
    await vera.context().close();
  });
});
