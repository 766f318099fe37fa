// A mirror of Debian packages for guests that have no way out: answers on a UNIX socket, asks the
// host's own mirror, and keeps what never changes (`pool/`, `by-hash/`) below the user's cache
// folder, so that a second run of the suite downloads next to nothing.
//
// It fetches from that one mirror and nothing else.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { homedir } from "node:os";
import path from "node:path";

const cache = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"),
  "ulysse/end2end-mirror",
);

/** The first Debian mirror in the host's own apt sources. */
export async function hostMirror() {
  const lists = ["/etc/apt/sources.list"];
  for (const name of await readdir("/etc/apt/sources.list.d").catch(() => [])) {
    lists.push(`/etc/apt/sources.list.d/${name}`);
  }
  for (const list of lists) {
    const text = await readFile(list, "utf8").catch(() => "");
    const found = /^(?:deb\s+(?:\[.*?\]\s+)?|URIs:\s*)(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text);
    if (found) return found[1];
  }
  throw new Error("the host's apt sources name no mirror of Debian (an address that ends in /debian)");
}

const isConstant = (name) => /\/(pool|by-hash)\//.test(name);

async function fetched(upstream, name) {
  const response = await fetch(upstream + name.slice("/debian".length));
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, body };
}

/** What lies at this path, from the cache or from upstream. */
async function get(upstream, name) {
  if (!isConstant(name)) return fetched(upstream, name);
  const kept = path.join(cache, createHash("sha256").update(upstream + name).digest("hex"));
  const body = await readFile(kept).catch(() => null);
  if (body) return { status: 200, body };
  const answer = await fetched(upstream, name);
  if (answer.status === 200) {
    const fresh = `${kept}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    await writeFile(fresh, answer.body);
    await rename(fresh, kept);
  }
  return answer;
}

/** Serves on this socket until `close()`. */
export async function serveMirror(socket) {
  const upstream = await hostMirror();
  await mkdir(cache, { recursive: true });
  const server = createServer(async (request, response) => {
    try {
      const name = decodeURI(request.url ?? "");
      const isOurs = /^\/debian\/[\w./+~:=%-]*$/.test(name) && !name.includes("..");
      const { status, body } = isOurs
        ? await get(upstream, request.url)
        : { status: 404, body: Buffer.from("not here\n") };
      response.writeHead(status, { "content-length": body.length });
      response.end(request.method === "HEAD" ? undefined : body);
    } catch (error) {
      response.writeHead(502, { "content-type": "text/plain" });
      response.end(`${error.message}\n`);
    }
  });
  await new Promise((done, failed) => server.once("error", failed).listen(socket, done));
  return {
    close() {
      server.closeAllConnections?.();
      server.close();
    },
  };
}
