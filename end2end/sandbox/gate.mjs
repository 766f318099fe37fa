// Carries connections from one network to another over a UNIX socket, which knows no networks:
// `gate.mjs LISTEN CONNECT`, each ADDRESS:PORT or the path of a socket.

import { connect, createServer } from "node:net";

function place(text) {
  if (text.startsWith("/")) return { path: text };
  const [host, port] = text.split(":");
  return { host, port: Number(port) };
}

const [listen, target] = process.argv.slice(2).map(place);
const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ ...target, allowHalfOpen: true });
  near.pipe(far).pipe(near);
  const end = () => {
    near.destroy();
    far.destroy();
  };
  near.on("error", end);
  far.on("error", end);
});
// The test is gone: so is the gate.
process.stdin.on("end", () => process.exit()).resume();
server.listen(listen, () => console.log("open"));
