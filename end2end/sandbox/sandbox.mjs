// A host of its own for one test file: the real program in namespaces of its own, with its own
// roots, cgroup and network, and a browser in the same network. Nothing in it reaches the world
// outside but the package mirror. All of it is gone after `close()`; when the test itself is killed,
// its processes, mounts and network still go, only files and empty cgroups stay.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { serveMirror } from "./mirror.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const PROGRAM =
  process.env.ULYSSE ?? path.resolve(here, "../../target/release/ulysse");
// An address of documentation (RFC 5737), inside the sandbox's network.
const MIRROR_ADDRESS = "198.51.100.1";

/** Waits until `condition` gives something true, for a while; says what for when it does not. */
export async function until(what, condition, patienceMs = 60_000) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

export class Sandbox {
  #children = [];
  #mirror = null;
  #output = "";

  /** Starts one, with `ulysse serve` running in it. */
  static async open() {
    const sandbox = new Sandbox();
    try {
      await sandbox.#prepare();
      await sandbox.serve();
      return sandbox;
    } catch (error) {
      await sandbox.close();
      throw error;
    }
  }

  async #prepare() {
    this.folder = await mkdtemp(path.join(tmpdir(), "ulysse-end2end-"));
    // The web process reaches its own folder through this one.
    await chmod(this.folder, 0o755);
    this.cgroup = path.basename(this.folder);
    this.origin = "https://127.0.0.1:8443";
    this.mirror = `http://${MIRROR_ADDRESS}/debian`;
    await this.#writeSettings();

    const overlay = path.join(this.folder, "overlay");
    await mkdir(overlay);
    // `unshare` forks init into the new namespaces and takes it along when it is killed itself.
    const init = this.#start("unshare", [
      "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc",
      "sh", path.join(here, "init.sh"), MIRROR_ADDRESS, overlay,
    ]);
    await this.#line(init, "ready");
    this.pid = await onlyChild(init.pid);

    const mirror = path.join(this.folder, "mirror.sock");
    this.#mirror = await serveMirror(mirror);
    await this.#gate(this.pid, `${MIRROR_ADDRESS}:80`, mirror);

    // The browser has a network of its own, in which no device ever comes or goes (Chromium breaks its
    // connections off when one does), and the program is at the same address.
    const network = this.#start("unshare", [
      "--net", "--fork", "--kill-child", "sh", "-c", "ip link set lo up; echo ready; exec cat >/dev/null",
    ]);
    await this.#line(network, "ready");
    const web = path.join(this.folder, "web.sock");
    const address = new URL(this.origin).host;
    const pid = await onlyChild(network.pid);
    await this.#gate(this.pid, web, address);
    await this.#gate(pid, address, web);

    // Playwright starts the browser through this.
    this.chromium = path.join(this.folder, "chromium");
    await writeFile(
      this.chromium,
      `#!/bin/sh\nexec nsenter --target=${pid} --net -- /usr/bin/chromium "$@"\n`,
    );
    await chmod(this.chromium, 0o755);
  }

  /** Carries connections in the network of process `pid`. */
  async #gate(pid, listen, target) {
    const program = [process.execPath, path.join(here, "gate.mjs"), listen, target];
    const gate = this.#start("nsenter", [`--target=${pid}`, "--net", "--", ...program]);
    await this.#line(gate, "open");
  }

  async #writeSettings() {
    const roots = {
      config_base: "etc", guest_base: "lib", run_base: "run", cache_base: "cache",
      log_base: "log", state_base: "state", runtime_base: "runtime", database_base: "database",
    };
    const lines = Object.entries(roots).map(
      ([key, name]) => `${key} = ${JSON.stringify(path.join(this.folder, name))}`,
    );
    // Two places for backups: the host's own is nobody's business here.
    const targets = ["local", "offsite"].map((name) => {
      const place = JSON.stringify(path.join(this.folder, name));
      return `[backup.targets.${name}]\nkind = "directory"\npath = ${place}`;
    });
    this.settings = path.join(this.folder, "ulysse.toml");
    await writeFile(
      this.settings,
      `[roots]\n${lines.join("\n")}\ncgroup_root = ${JSON.stringify(this.cgroup)}\n${targets.join("\n")}\n`,
    );
  }

  /** The words after `nsenter` that run a command in the sandbox. */
  #inside(words) {
    return [`--target=${this.pid}`, "--mount", "--net", "--pid", "--ipc", "--", ...words];
  }

  #start(program, words) {
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
    this.#children.push(child);
    child.on("error", (error) => (this.#output += `${program}: ${error.message}\n`));
    child.stderr?.on("data", (data) => (this.#output += data));
    return child;
  }

  /** Waits for a line of standard output that has this in it. */
  async #line(child, wanted) {
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      this.#output += `${line}\n`;
      if (line.includes(wanted)) {
        // What comes later is heard too.
        child.stdout.on("data", (data) => (this.#output += data));
        child.stdout.resume();
        return line;
      }
    }
    throw new Error(`"${wanted}" was never said:\n${this.#output}`);
  }

  /** Starts `ulysse serve`; the set-up link it printed is in `setupLink`. */
  async serve() {
    this.server = this.#start("nsenter", this.#inside([
      PROGRAM, "serve", "--config", this.settings,
    ]));
    const line = await this.#line(this.server, "/setup/");
    this.setupLink = /https:\/\/\S+\/setup\/\S+/.exec(line)[0];
  }

  /** Runs `ulysse ROLE WORDS` or another program in the sandbox; its exit code and output. */
  async run(program, ...words) {
    const isOurs = program === "ulysse";
    const [role, ...rest] = words;
    const command = isOurs
      ? [PROGRAM, role, "--config", this.settings, ...rest]
      : [program, ...words];
    const child = spawn("nsenter", this.#inside(command), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    const code = await new Promise((done) => child.on("close", done));
    return { code, output };
  }

  /** Everything that programs in the sandbox have said, for a failed test's message. */
  get output() {
    return this.#output;
  }

  async close() {
    // The first is the sandbox's own first process: with it all others end, whoever they belong to.
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await ended;
    }
    this.#mirror?.close();
    await this.#removeCgroups();
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  async #removeCgroups() {
    if (!this.cgroup) return;
    const mounts = (await readFile("/proc/self/mounts", "utf8"))
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, , kind]) => kind === "cgroup" || kind === "cgroup2")
      .map(([, place]) => path.join(place, this.cgroup));
    for (const top of mounts) {
      await until(`${top} is empty`, () => removed(top), 10_000);
    }
  }
}

/** The process that `unshare` started in its new namespaces. */
async function onlyChild(pid) {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim());
}

/** Removes a cgroup and those in it; false while a process that was killed is still leaving one. */
async function removed(cgroup) {
  const inside = await readdir(cgroup, { withFileTypes: true }).catch(() => null);
  if (!inside) return true;
  for (const entry of inside) {
    if (entry.isDirectory()) await removed(path.join(cgroup, entry.name));
  }
  return rmdir(cgroup).then(() => true, () => false);
}
