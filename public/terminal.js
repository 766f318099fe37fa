// A terminal in the page: xterm.js over a WebSocket.
//
// The shell lives in the server, so everything here may be lost at any time: after a reload or a
// broken connection the socket is opened again and the server sends the scrollback first. Packets
// are those of protocol::terminal: to the server "i" bytes (typed), "r" columns rows (two bytes
// each, big-endian); from it "s" length (scrollback follows), "o" bytes (output), "e" status (the
// shell has ended). Texts and addresses stand in data attributes of the page.

const screen = document.querySelector("[data-terminal-screen]");
const status = document.querySelector("[data-terminal-status]");
const nonce = document.querySelector("script[data-terminal-script]").nonce;
const text = screen.dataset;

// xterm.js writes its style sheets into <style> elements: the page's policy lets those in that
// carry the page's nonce.
const createElement = document.createElement.bind(document);
document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (String(name).toLowerCase() === "style") element.nonce = nonce;
  return element;
};

const [{ Terminal }, { FitAddon }, { Unicode11Addon }] = await Promise.all([
  import(text.xterm),
  import(text.fit),
  import(text.unicode),
]);

const style = getComputedStyle(screen);
const terminal = new Terminal({
  allowProposedApi: true, // the Unicode 11 widths are still called a proposal
  cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  fontFamily: style.fontFamily,
  fontSize: 14,
  lineHeight: 1.2, // at 1 the fonts of Debian put "_" into the row below, where it is cut off
  scrollback: 10000,
  screenReaderMode: true,
  theme: { background: style.backgroundColor, foreground: style.color },
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.loadAddon(new Unicode11Addon());
terminal.unicode.activeVersion = "11";
terminal.open(screen);
terminal.textarea?.setAttribute("aria-label", text.label);
fit.fit();

// Tab belongs to the shell; this leaves the terminal with the keyboard alone.
terminal.attachCustomKeyEventHandler((event) => {
  if (event.type === "keydown" && event.key === "Escape" && event.ctrlKey && event.shiftKey) {
    terminal.blur();
    document.querySelector(".tabs a[aria-current]")?.focus();
    return false;
  }
  return true;
});

// Text that comes without a key (an emoji picker, a phone's keyboard, a voice) is an "input" event
// only. xterm.js leaves those alone in screen reader mode; when a key was pressed it has typed it.
let keyIsDown = false;
terminal.textarea?.addEventListener("keydown", () => (keyIsDown = true), true);
terminal.textarea?.addEventListener("keyup", () => (keyIsDown = false), true);
terminal.textarea?.addEventListener("input", ({ data, inputType, isComposing }) => {
  if (data && inputType === "insertText" && !isComposing && !keyIsDown) terminal.input(data);
});

const encoder = new TextEncoder();
const LARGEST_PACKET = 16 * 1024;
let socket = null;
let ended = false;
let failures = 0;
let nextAttempt = 0;

function say(message, state) {
  status.textContent = message;
  screen.dataset.state = state;
}

function isOpen() {
  return socket?.readyState === WebSocket.OPEN;
}

function type(bytes) {
  // A long paste goes in pieces: no packet may be larger than the server takes.
  for (let start = 0; start < bytes.length && isOpen(); start += LARGEST_PACKET - 1) {
    const piece = bytes.subarray(start, start + LARGEST_PACKET - 1);
    const packet = new Uint8Array(piece.length + 1);
    packet[0] = 0x69; // i
    packet.set(piece, 1);
    socket.send(packet);
  }
}

function tellSize() {
  if (!isOpen()) return;
  const packet = new DataView(new ArrayBuffer(5));
  packet.setUint8(0, 0x72); // r
  packet.setUint16(1, Math.min(terminal.cols, 1000));
  packet.setUint16(3, Math.min(terminal.rows, 1000));
  socket.send(packet.buffer);
}

function receive(bytes) {
  const payload = bytes.subarray(1);
  switch (String.fromCharCode(bytes[0])) {
    case "s": // What follows begins with the scrollback: what is on the screen comes again.
      terminal.reset();
      break;
    case "o":
      terminal.write(payload);
      break;
    case "e":
      ended = true;
      terminal.options.disableStdin = true;
      // 128 and SIGHUP's number.
      say(
        payload[0] === 129 ? text.hungUp : text.exited.replace("{status}", String(payload[0])),
        "exited",
      );
      break;
  }
}

function connect() {
  say(failures === 0 ? text.connecting : text.lost, "connecting");
  const url = new URL(`/terminals/${text.terminalScreen}/socket`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    failures = 0;
    say(text.connected, "connected");
    tellSize();
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer && data.byteLength > 0) receive(new Uint8Array(data));
  };
  socket.onclose = ({ code }) => {
    if (ended) return;
    if (code === 4404 || code === 4403) {
      // The server says that there is no such terminal, or not for this user: trying is in vain.
      ended = true;
      say(text.denied, "exited");
      return;
    }
    say(text.lost, "lost");
    const seconds = Math.min(2 ** failures, 30);
    failures += 1;
    nextAttempt = setTimeout(connect, seconds * 1000);
  };
}

terminal.onData((data) => type(encoder.encode(data)));
terminal.onBinary((data) => type(Uint8Array.from(data, (character) => character.charCodeAt(0))));
terminal.onResize(tellSize);
new ResizeObserver(() => fit.fit()).observe(screen);
// After sleep or a change of network nobody wants to wait for the next attempt.
addEventListener("online", () => {
  if (!ended && socket?.readyState === WebSocket.CLOSED) {
    clearTimeout(nextAttempt);
    failures = 0;
    connect();
  }
});

connect();
terminal.focus();
// Browser tests read the screen through this.
window.ulysseTerminal = terminal;
