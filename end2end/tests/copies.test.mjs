// The second story: every way to make a VServer and what keeps it. Templates and bases, copies, another
// name, the configuration, backups, the recycle bin. Real program, real files, real Chromium.

import assert from "node:assert/strict";
import { readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";

import { busyboxArchive, largeArchive } from "../sandbox/archive.mjs";
import { accessible, awake, person, picture } from "../sandbox/browser.mjs";
import { BUILD_MS, logIn, onPhoneInFrench, row, setUp, story, succeeds } from "../sandbox/story.mjs";

const LARGE_BYTES = 64 << 20;

/** Goes to a page, takes its picture and lets axe judge it. */
async function look(page, address, name) {
  await page.goto(address);
  await awake(page);
  await seen(page, name);
}

/** Takes a picture of the page at hand and lets axe judge it. */
async function seen(page, name) {
  await picture(page, name);
  await accessible(page, name);
}

/** The form of a build by this method, filled in; what it says its command is. */
async function filled(page, method, values) {
  await page.goto(`/build?method=${method}`);
  await awake(page);
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  const command = page.locator(".preview .command code");
  return command.filter({ hasText: `vserver ${values.Name} build` }).textContent();
}

async function build(page) {
  await page.getByRole("button", { name: "Build", exact: true }).click();
  await page.waitForURL(/\/operations\/.+/);
}

async function starts(page, name) {
  const stopped = await row(page, name, "stopped");
  await stopped.getByRole("button", { name: `Start ${name}` }).click();
  await row(page, name, "running");
}

/** What a command inside a VServer says. */
async function inside(sandbox, name, ...words) {
  const { code, output } = await sandbox.run("ulysse", "vserver", name, "exec", ...words);
  assert.equal(code, 0, output);
  return output.trim();
}

/** The row of a table with this name, below this heading. */
function tableRow(page, name) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name }) });
}

async function upload(page, name, description, archive) {
  await page.goto("/templates");
  await page.getByLabel("Template", { exact: true }).fill(name);
  await page.getByLabel("Description", { exact: true }).fill(description);
  await page.getByLabel("Archive", { exact: true }).setInputFiles(archive);
  await page.getByRole("button", { name: "Upload" }).click({ timeout: BUILD_MS });
  await page.waitForURL(/\/operations\/.+/, { timeout: BUILD_MS });
}

/** The most memory that the web process ever had, in bytes. */
async function webPeakBytes(sandbox) {
  const { output: pid } = await sandbox.run("pgrep", "-f", " web --config ");
  const { output } = await sandbox.run("cat", `/proc/${pid.trim()}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(output)[1]) * 1024;
}

story("copies", (scene, step) => {
  // Operations that go on while the story does.
  let base = null;
  let renewal = null;
  let backup = null;

  step("the first administrator; nothing is kept yet", async ({ page, sandbox }) => {
    await setUp({ page, sandbox });
    for (const [address, name] of [["/templates", "templates-empty"], ["/backups", "backups-empty"], ["/bin", "bin-empty"]]) {
      await look(page, address, name);
    }
  });

  step("a base is made by a build that one leaves alone", async ({ page, sandbox }) => {
    const command = await filled(page, "debootstrap", { Name: "deb1", Mirror: sandbox.mirror });
    assert.match(command, /^vserver deb1 build -m debootstrap/);
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Variant").fill("minbase");
    await build(page);
    base = page.url();
  });

  step("what is no archive is refused, and the form says what is wrong", async ({ page, sandbox }) => {
    await page.goto("/templates");
    await page.getByLabel("Template", { exact: true }).fill("no such name");
    const text = path.join(sandbox.folder, "no-archive");
    await writeFile(text, "Nothing of this is an archive.\n");
    await page.getByLabel("Archive", { exact: true }).setInputFiles(text);
    await page.getByRole("button", { name: "Upload" }).click();
    await page.locator("#field-template[aria-invalid=true]").waitFor();
    await seen(page, "template-refused");
    await upload(page, "text", "No archive at all", text);
    await page.getByRole("alert").filter({ hasText: "not a tar archive" }).waitFor();
    await seen(page, "template-failed");
    await page.goto("/templates");
    await page.getByText("There is no template yet.").waitFor();
  });

  step("a large archive is passed on as it comes, and is removed again", async ({ page, sandbox }) => {
    const archive = await largeArchive(sandbox.folder, LARGE_BYTES);
    const before = await webPeakBytes(sandbox);
    await upload(page, "large", "Far larger than memory should be", archive);
    await succeeds(page, BUILD_MS);
    const grown = (await webPeakBytes(sandbox)) - before;
    assert.ok(grown < LARGE_BYTES / 3, `the web process grew by ${grown} bytes`);
    await page.goto("/templates");
    const large = tableRow(page, /^large/);
    await large.getByText("Remove …").click();
    await large.getByText("goes away for good").waitFor();
    await large.getByRole("button", { name: "Remove large", exact: true }).click();
    await succeeds(page);
    assert.deepEqual(await readdir(path.join(sandbox.folder, "state/templates")), []);
  });

  step("a template is kept with its size and age, and a VServer is built from it", async ({ page, sandbox }) => {
    await upload(page, "busybox", "Busybox, and what it needs", await busyboxArchive(sandbox.folder));
    await succeeds(page, BUILD_MS);
    await page.goto("/templates");
    await awake(page);
    const kept = tableRow(page, /^busybox/);
    await kept.getByText("ada").waitFor();
    assert.match(await kept.textContent(), /tar\.gz.*KiB/);
    await seen(page, "templates");
    await kept.getByRole("link", { name: "Build from busybox" }).click();
    await awake(page);
    assert.equal(await page.getByLabel("Template", { exact: true }).inputValue(), "busybox");
    const command = await filled(page, "template", { Name: "t1", Template: "busybox" });
    assert.match(command, /^vserver t1 build -m template .*-- --template busybox$/);
    await seen(page, "build-template");
    await build(page);
    await succeeds(page, BUILD_MS);
    await seen(page, "built-template");
    await starts(page, "t1");
    assert.equal(await inside(sandbox, "t1", "hostname"), "t1");
  });

  step("a clone of what runs, a copy by rsync, a skeleton", async ({ page, sandbox }) => {
    await page.goto("/vservers/t1");
    await page.getByRole("link", { name: "Clone …" }).click();
    await awake(page);
    assert.equal(await page.getByLabel("Source", { exact: true }).inputValue(), "t1");
    await page.getByLabel("Source", { exact: true }).fill("t9");
    await page.locator("#field-source[aria-invalid=true]").waitFor();
    await seen(page, "build-clone");
    assert.match(await filled(page, "clone", { Name: "c1", Source: "t1" }), /-m clone .*t1$/);
    await build(page);
    await succeeds(page, BUILD_MS);
    await starts(page, "c1");
    assert.equal(await inside(sandbox, "c1", "hostname"), "c1");
    assert.equal(await inside(sandbox, "t1", "hostname"), "t1");

    assert.match(await filled(page, "rsync", { Name: "r1", Source: "t1" }), /-m rsync .*t1$/);
    await seen(page, "build-rsync");
    await build(page);
    await succeeds(page, BUILD_MS);
    await starts(page, "r1");
    assert.equal(await inside(sandbox, "r1", "hostname"), "r1");

    assert.match(await filled(page, "skeleton", { Name: "s1" }), /-m skeleton/);
    await seen(page, "build-skeleton");
    await build(page);
    await succeeds(page, BUILD_MS);
    await row(page, "s1", "stopped");
    await look(page, "/build?method=yum", "build-yum");
  });

  step("another name and address, seen before they are taken", async ({ page, sandbox }) => {
    await page.goto("/vservers/c1");
    await page.getByRole("link", { name: "Rename, change address …" }).click();
    await page.getByRole("heading", { level: 1, name: /^Rename c1/ }).waitFor();
    await seen(page, "identity");
    await page.getByLabel("Name", { exact: true }).fill("t1");
    await page.getByRole("button", { name: "Show what it does" }).click();
    await page.locator("#field-name[aria-invalid=true]").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("c2");
    await awake(page);
    await page.getByLabel("Context number").fill("7x");
    await page.locator("[data-preview-place] .problem").waitFor();
    await page.getByLabel("Context number").fill("777");
    await page.locator("[data-preview-place]").getByText("--context 777").first().waitFor();
    await page.getByLabel("Host name").fill("c2.example.org");
    await page.getByLabel("Addresses").fill("nat0:10.127.0.77/24");
    await page.getByLabel(/stop it for this/).check();
    await page.getByRole("button", { name: "Show what it does" }).click();
    await page.getByText("By hand it would be:").waitFor();
    await page.getByText("vserver c1 rename c2").first().waitFor();
    await seen(page, "identity-preview");
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await succeeds(page, BUILD_MS);
    const renamed = await row(page, "c2", "running");
    await renamed.getByText("10.127.0.77").waitFor();
    assert.equal(await page.locator('tr[data-vserver="c1"]').count(), 0);
    assert.equal(await inside(sandbox, "c2", "hostname"), "c2.example.org");
    assert.match(await inside(sandbox, "c2", "ip", "addr"), /10\.127\.0\.77/);
    const stat = await sandbox.run("ulysse", "vserver-stat");
    assert.match(stat.output, /^777 .* c2$/m);
  });

  step("a file of the configuration: judged, compared, saved, undone", async ({ page, sandbox }) => {
    await look(page, "/vservers/t1/config", "config");
    await page.getByLabel("Path of the file").fill("apps/vshelper/sync-timeout");
    await page.getByRole("button", { name: "Open this entry" }).click();
    await page.getByRole("heading", { level: 1, name: "t1/apps/vshelper/sync-timeout" }).waitFor();
    const value = page.getByLabel("New text");
    await value.fill("soon");
    await page.getByRole("button", { name: "Show the difference" }).click();
    await page.locator("#field-text[aria-invalid=true]").waitFor();
    assert.equal(await value.inputValue(), "soon");
    await seen(page, "config-refused");
    await value.fill("17");
    await page.getByRole("button", { name: "Show the difference" }).click();
    await page.getByText("Nothing has been saved yet.").waitFor();
    await page.locator(".difference .added").filter({ hasText: "17" }).waitFor();
    await seen(page, "config-difference");
    const file = path.join(sandbox.folder, "etc/t1/apps/vshelper/sync-timeout");
    await assert.rejects(readFile(file), "nothing is written before it is saved");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await succeeds(page);
    assert.equal(await readFile(file, "utf8"), "17\n");

    await writeFile(path.join(sandbox.folder, "etc/t1/uts/nodename"), "by-hand\n");
    await page.goto("/vservers/t1/config/history");
    await page.getByText(/UTC · by hand on the host/).waitFor();
    await page.getByText(/UTC · ada/).waitFor();
    await seen(page, "config-history");
    await page.goto("/vservers/t1/config/file?path=apps/vshelper/sync-timeout");
    await seen(page, "config-file");
    await page.getByRole("button", { name: /^Undo change/ }).first().click();
    await succeeds(page);
    await assert.rejects(readFile(file), "what was undone is not there");
  });

  step("the defaults of all VServers have the same editor", async ({ page, sandbox }) => {
    await page.goto("/vservers");
    await page.getByRole("link", { name: "Defaults for all VServers" }).click();
    await page.getByRole("heading", { level: 1, name: "Defaults for all VServers" }).waitFor();
    await seen(page, "defaults");
    await page.goto("/defaults/file?path=apps/debootstrap/mirror");
    await page.getByLabel("New text").fill(sandbox.mirror);
    await page.getByRole("button", { name: "Show the difference" }).click();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await succeeds(page);
    await page.goto("/build");
    await awake(page);
    assert.equal(await page.getByLabel("Mirror").getAttribute("placeholder"), sandbox.mirror);
  });

  step("a distribution is described, refused what is the host's, removed and put back", async ({ page, sandbox }) => {
    await page.goto("/vservers");
    await page.getByRole("link", { name: "Distributions" }).click();
    await page.getByRole("heading", { level: 1, name: "Distributions" }).waitFor();
    await awake(page);
    await page.getByLabel("Distribution", { exact: true }).fill("tiny1");
    await page.getByRole("button", { name: "Describe it" }).click();
    await page.getByRole("heading", { level: 1, name: "Distribution tiny1" }).waitFor();
    await seen(page, "distribution-new");
    const write = async (text) => {
      await page.getByLabel("New text").fill(text);
      await page.getByRole("button", { name: "Show the difference" }).click();
    };
    const save = async () => {
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await succeeds(page);
    };
    await page.getByRole("link", { name: "tiny1/yum.repos.d/01.repo" }).click();
    await write("[core]\nbaseurl=file:///srv/\ngpgcheck=0\n");
    await page.locator("#field-text[aria-invalid=true]").waitFor();
    await page.getByText("Line 3: expected").first().waitFor();
    await seen(page, "distribution-refused");
    const text = "[core]\nname=Core\nbaseurl=http://mirror.example/\n";
    await write(text);
    await page.getByText("vserver .distributions config edit tiny1/yum.repos.d/01.repo").waitFor();
    const file = path.join(sandbox.folder, "etc/.distributions/tiny1/yum.repos.d/01.repo");
    await assert.rejects(readFile(file), "nothing is written before it is saved");
    await save();
    assert.equal(await readFile(file, "utf8"), text);
    await page.goto("/distributions/file?path=tiny1/pkgs/01");
    await write("bash\n");
    await save();
    await look(page, "/distributions", "distributions");
    await page.goto("/distributions?of=tiny1");
    await awake(page);
    await page.getByText("Remove its files…").click();
    await seen(page, "distribution");
    await page.getByRole("button", { name: "Remove the files of tiny1 (2)" }).click();
    await succeeds(page);
    assert.deepEqual(await readdir(path.join(sandbox.folder, "etc/.distributions")), []);
    await look(page, "/distributions/history", "distributions-history");
    await page.getByRole("button", { name: /^Undo change/ }).first().click();
    await succeeds(page);
    assert.equal(await readFile(file, "utf8"), text);
  });

  step("a build that is cancelled leaves nothing", async ({ page, sandbox }) => {
    const places = ["etc", "lib"].map((place) => path.join(sandbox.folder, place));
    const before = await Promise.all(places.map(async (place) => (await readdir(place)).sort()));
    await page.goto("/build");
    await awake(page);
    await page.getByLabel("Name", { exact: true }).fill("gone");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Variant").fill("buildd");
    await build(page);
    await page.getByRole("log").filter({ hasText: /Retrieving|Validating|Unpacking/ }).waitFor({ timeout: BUILD_MS });
    await page.getByRole("button", { name: "Cancel the operation" }).click();
    await page.getByText("It was cancelled, and what had been done was undone.").waitFor({ timeout: BUILD_MS });
    await seen(page, "cancelled");
    await page.goto("/vservers");
    assert.equal(await page.locator('tr[data-vserver="gone"]').count(), 0);
    assert.deepEqual(await Promise.all(places.map(async (place) => (await readdir(place)).sort())), before);
  });

  step("the base is there with its age and size, and is made anew", async ({ page, sandbox }) => {
    await page.goto(base);
    await succeeds(page, BUILD_MS);
    await row(page, "deb1", "stopped");
    await page.goto("/templates");
    const kept = page.getByRole("row").filter({ hasText: "minbase" });
    assert.match(await kept.textContent(), /MiB.*(ago|just now)/);
    await seen(page, "bases");
    await kept.getByRole("button", { name: /^Make anew: / }).click();
    await page.waitForURL(/\/operations\/.+/);
    renewal = page.url();
  });

  step("a backup is taken, looked into, and gives one file back", async ({ page, sandbox }) => {
    await page.goto("/vservers/t1");
    await page.getByRole("link", { name: "Backups of t1" }).click();
    await page.getByRole("heading", { level: 1, name: "Backups of t1" }).waitFor();
    await seen(page, "backups-of-none");
    await page.locator('form[action="/api/backups/take"]').getByLabel("Target").selectOption("local");
    await page.getByRole("button", { name: "Back up now" }).click();
    await succeeds(page, BUILD_MS);
    await inside(sandbox, "t1", "sh", "-c", "echo changed >/etc/motd; rm /etc/group");
    await page.goto("/vservers/t1/backups");
    await page.getByRole("rowheader").getByRole("link").click();
    await page.getByRole("heading", { level: 1, name: /^Backup of t1, / }).waitFor();
    backup = new URL(page.url()).pathname;
    await seen(page, "backup");
    await page.getByRole("button", { name: "Read it back and compare" }).click();
    await succeeds(page, BUILD_MS);
    await page.goto(backup);
    await page.getByRole("link", { name: "etc/", exact: true }).click();
    await page.getByRole("heading", { name: "Files in it /etc" }).waitFor();
    await seen(page, "backup-etc");
    await page.getByRole("button", { name: "Put back group" }).click();
    await succeeds(page);
    assert.equal(await inside(sandbox, "t1", "cat", "/etc/group"), "root:x:0:");
    await page.goto(`${backup}?path=/etc`);
    await page.getByRole("button", { name: "Put back motd" }).click();
    await succeeds(page);
    assert.equal(await inside(sandbox, "t1", "cat", "/etc/motd"), "changed");
    assert.match(await inside(sandbox, "t1", "sh", "-c", "cat /etc/motd.*"), /as it was packed/);
  });

  step("a restore beside the original finds what is taken, and offers what is free", async ({ page, sandbox }) => {
    await page.goto(backup);
    const form = page.locator('form[action="/api/backups/restore"]');
    await form.getByText("Its own, t1, is taken.").first().waitFor();
    const name = form.getByLabel("Name", { exact: true });
    const offered = await name.inputValue();
    assert.notEqual(offered, "t1");
    await name.fill("t1");
    await form.getByRole("button", { name: "Restore" }).click();
    await page.locator("#field-name[aria-invalid=true]").waitFor();
    await seen(page, "restore-refused");
    await name.fill(offered);
    await form.getByRole("button", { name: "Restore" }).click();
    await succeeds(page, BUILD_MS);
    await starts(page, offered);
    assert.match(await inside(sandbox, offered, "cat", "/etc/motd"), /as it was packed/);
  });

  step("a schedule, what it would keep, and an alert when it does not work", async ({ page, sandbox }) => {
    await page.goto("/vservers/t1/backups");
    await page.getByRole("button", { name: "Back up now" }).click();
    await succeeds(page, BUILD_MS);
    await page.goto("/vservers/t1/backups");
    await page.getByLabel("What would be kept by").fill("last=1");
    await page.getByRole("button", { name: "Preview" }).click();
    const superfluous = page.getByRole("row").filter({ hasText: "would be removed" });
    await superfluous.waitFor();
    await seen(page, "backups-preview");
    const schedule = page.locator('form[action="/api/backups/schedule"]').first();
    await schedule.getByLabel("When").fill("sometimes");
    await schedule.getByRole("button", { name: "Save the schedule" }).click();
    await page.locator("#field-backup-time[aria-invalid=true]").waitFor();
    await seen(page, "schedule-refused");
    await schedule.getByLabel("When").fill("daily 02:30");
    await schedule.getByLabel("Kept").fill("last=1");
    await schedule.getByLabel("Target").selectOption("offsite");
    await schedule.getByRole("button", { name: "Save the schedule" }).click();
    await page.getByText("The next one is taken at").waitFor();
    await seen(page, "schedule");

    // Where they go is a file, and the schedule is as old as two days.
    await rm(path.join(sandbox.folder, "offsite"), { recursive: true, force: true });
    await writeFile(path.join(sandbox.folder, "offsite"), "in the way\n");
    const before = new Date(Date.now() - 2 * 24 * 3600 * 1000);
    await utimes(path.join(sandbox.folder, "etc/t1/apps/ulysse/backup"), before, before);
    await page.goto("/vservers");
    await page.getByText("Backups need care:").waitFor();
    await seen(page, "list-alert");
    await page.getByRole("link", { name: /t1 is not being backed up/ }).click();
    await page.waitForURL("**/vservers/t1/backups");
    await seen(page, "backups-alert");
    await page.locator('form[action="/api/backups/take"]').getByLabel("Target").selectOption("offsite");
    await page.getByRole("button", { name: "Back up now" }).click();
    await page.getByRole("alert").waitFor({ timeout: BUILD_MS });
    await seen(page, "backup-failed");
    await page.goto("/backups");
    await page.getByText(/The last backup of t1 .* failed/).waitFor();
    await seen(page, "backups");

    await rm(path.join(sandbox.folder, "offsite"));
    await page.goto("/vservers/t1/backups");
    await page.getByText("should have been backed up").waitFor();
    await page.locator('form[action="/api/backups/take"]').getByLabel("Target").selectOption("offsite");
    await page.getByRole("button", { name: "Back up now" }).click();
    await succeeds(page, BUILD_MS);
    await page.goto("/vservers/t1/backups");
    assert.equal(await page.getByText("Backups need care:").count(), 0);
    await page.getByRole("row").filter({ hasText: "offsite" }).getByRole("link").click();
    await page.getByText("Remove …").click();
    await page.getByText(/^The backup of t1 .* goes away for good/).waitFor();
    await page.getByRole("button", { name: /^Remove the backup of/ }).click();
    await succeeds(page);
    const left = await readdir(path.join(sandbox.folder, "offsite/t1")).catch(() => []);
    assert.deepEqual(left, []);
  });

  step("what is protected cannot be deleted; what is deleted can be had back", async ({ page, sandbox }) => {
    await page.goto("/vservers/s1");
    await awake(page);
    await page.getByRole("button", { name: "Protect it" }).click();
    await page.getByText("It is protected: it cannot be deleted.").waitFor();
    await seen(page, "protected");
    await page.goto("/vservers/s1/delete");
    await page.getByLabel(/to confirm/).fill("s1");
    await page.getByRole("button", { name: "Delete s1" }).click();
    await page.getByRole("alert").first().waitFor();
    await seen(page, "delete-protected");
    await row(page, "s1", "stopped");
    await page.goto("/vservers/s1");
    await page.getByRole("button", { name: "Take the protection away" }).click();
    await page.getByText("It is not protected: it can be deleted.").waitFor();

    await page.goto("/vservers/s1/delete");
    await page.getByLabel(/to confirm/).fill("r1");
    await page.getByRole("button", { name: "Delete s1" }).click();
    await page.locator("#field-name[aria-invalid=true]").waitFor();
    await page.getByLabel(/to confirm/).fill("s1");
    await page.getByRole("button", { name: "Delete s1" }).click();
    await succeeds(page, BUILD_MS);
    await look(page, "/bin", "bin");
    await page.getByRole("link", { name: "s1" }).click();
    await page.getByRole("heading", { level: 1, name: "s1, in the recycle bin" }).waitFor();
    await seen(page, "binned");
    await page.getByRole("button", { name: "Restore s1" }).click();
    await succeeds(page);
    await row(page, "s1", "stopped");

    await page.goto("/vservers/s1/delete");
    await page.getByLabel(/to confirm/).fill("s1");
    await page.getByRole("button", { name: "Delete s1" }).click();
    await succeeds(page, BUILD_MS);
    await page.goto("/bin");
    await page.getByRole("link", { name: "s1" }).click();
    await page.getByLabel(/to confirm/).fill("s2");
    await page.getByRole("button", { name: "Remove s1 for good" }).click();
    await page.locator("#field-confirmation[aria-invalid=true]").waitFor();
    await page.getByLabel(/to confirm/).fill("s1");
    await page.getByRole("button", { name: "Remove s1 for good" }).click();
    await succeeds(page);
    await page.goto("/bin");
    await page.getByText("Nothing is in the recycle bin.").waitFor();
    for (const place of ["etc", "lib"]) {
      assert.ok(!(await readdir(path.join(sandbox.folder, place))).includes("s1"), `s1 is in ${place}`);
    }
  });

  step("the base was made anew meanwhile, and is removed", async ({ page }) => {
    await page.goto(renewal);
    await succeeds(page, BUILD_MS);
    await page.goto("/templates");
    const kept = page.getByRole("row").filter({ hasText: "minbase" });
    await kept.getByText("Remove …").click();
    await kept.locator("button.danger").click();
    await succeeds(page);
    await page.goto("/templates");
    await page.getByText("There is no base yet").waitFor();
  });

  step("without JavaScript the forms work", async ({ browser, sandbox }) => {
    const bare = await person(browser, sandbox, { javaScriptEnabled: false });
    // The page of an operation brings itself up to date.
    const done = async () => {
      await bare.waitForURL(/\/operations\/.+/);
      await bare.locator(".pill[data-state=succeeded]").waitFor({ timeout: BUILD_MS });
    };
    await logIn(bare);
    await upload(bare, "again", "Without a script", path.join(sandbox.folder, "busybox.tar.gz"));
    await done();
    await bare.goto("/build?method=clone");
    await bare.locator("#field-name").fill("c3");
    await bare.locator("#field-source").fill("r1");
    await bare.getByRole("button", { name: "Show the command and the files" }).click();
    await bare.locator(".preview code").filter({ hasText: "vserver c3 build -m clone" }).waitFor();
    await picture(bare, "no-js-clone");
    await bare.getByRole("button", { name: "Build", exact: true }).click();
    await done();
    await bare.goto("/vservers/c3/identity");
    await bare.locator("#field-name").fill("c4");
    await bare.getByRole("button", { name: "Show what it does" }).click();
    await bare.getByText("By hand it would be:").waitFor();
    await bare.getByRole("button", { name: "Change", exact: true }).click();
    await done();
    await bare.goto("/vservers/c4/config/file?path=uts/nodename");
    await bare.getByLabel("New text").fill("c4.example.org");
    await bare.getByRole("button", { name: "Show the difference" }).click();
    await bare.getByRole("button", { name: "Save", exact: true }).click();
    await done();
    await bare.goto("/vservers/c4/backups");
    await bare.getByRole("button", { name: "Back up now" }).click();
    await done();
    await bare.goto("/vservers/c4/delete");
    await bare.getByLabel(/to confirm/).fill("c4");
    await bare.getByRole("button", { name: "Delete c4" }).click();
    await done();
    await bare.goto("/bin");
    await bare.getByRole("link", { name: "c4" }).click();
    await bare.getByRole("button", { name: "Restore c4" }).click();
    await done();
    await bare.goto("/vservers");
    await bare.locator('tr[data-vserver="c4"]').waitFor();
    await bare.context().close();
  });

  step("French, dark, and on a phone", async ({ page }) => {
    await onPhoneInFrench(page, [
      ["/templates", "templates"], ["/backups", "backups"], ["/vservers/t1/backups", "backups-of"],
      [backup, "backup"], ["/bin", "bin"], ["/vservers/t1/identity", "identity"],
      ["/vservers/t1/config", "config"], ["/vservers/t1/config/history", "config-history"],
      ["/vservers/t1/config/file?path=fstab", "config-file"], ["/defaults", "defaults"],
      ["/distributions", "distributions"], ["/distributions?of=tiny1", "distribution"],
      ["/build?method=clone", "build-clone"], ["/build?method=rsync", "build-rsync"],
      ["/build?method=template", "build-template"], ["/vservers/t1", "vserver-kept"],
    ]);
  });
});
