// Archives to upload: a small system of nothing but busybox, which starts, and a large one, which
// shows that nobody holds an upload in memory.

import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const BUSYBOX = "/bin/busybox";

/** Packs a system that starts, with `etc/motd` to change; the archive's path. */
export async function busyboxArchive(folder) {
  const root = path.join(folder, "busybox-root");
  for (const directory of ["bin", "dev", "etc/init.d", "proc", "root", "run", "sys", "tmp", "var"]) {
    await mkdir(path.join(root, directory), { recursive: true });
  }
  await copyFile(BUSYBOX, path.join(root, "bin/busybox"));
  for (const applet of execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).split("\n")) {
    if (applet && applet !== "busybox") await symlink("busybox", path.join(root, "bin", applet));
  }
  await writeFile(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(path.join(root, "etc/group"), "root:x:0:\n");
  await writeFile(path.join(root, "etc/motd"), "as it was packed\n");
  const script = path.join(root, "etc/init.d/rc");
  await writeFile(script, "#!/bin/sh\nexit 0\n");
  await chmod(script, 0o755);
  const archive = path.join(folder, "busybox.tar.gz");
  execFileSync("tar", ["--create", "--gzip", "--numeric-owner", "--owner=0", "--group=0",
    `--file=${archive}`, "--directory", root, "."]);
  return archive;
}

/** Packs one file of this many bytes; the archive's path. */
export async function largeArchive(folder, bytes) {
  const name = "large";
  const piece = Buffer.alloc(1 << 20, "what fills a template ");
  const pieces = Readable.from(Array(Math.ceil(bytes / piece.length)).fill(piece));
  await pipeline(pieces, createWriteStream(path.join(folder, name)));
  const archive = path.join(folder, "large.tar");
  execFileSync("tar", ["--create", `--file=${archive}`, "--directory", folder, name]);
  return archive;
}
