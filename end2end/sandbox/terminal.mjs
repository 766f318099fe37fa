// A terminal page as a person uses it: types and reads what the screen shows.

import { until } from "./sandbox.mjs";

/** All lines of the terminal, the scrollback included. */
export async function screen(page) {
  return page.evaluate(() => {
    const buffer = globalThis.ulysseTerminal?.buffer.active;
    if (!buffer) return "";
    const lines = [];
    for (let index = 0; index < buffer.length; index += 1) {
      const line = buffer.getLine(index);
      const text = line.translateToString(true);
      // A wrapped line goes on in the same line.
      if (line.isWrapped) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return lines.join("\n");
  });
}

/** Waits until the screen matches. */
export async function shows(page, pattern, patienceMs) {
  let last = "";
  try {
    return await until(
      `the terminal shows ${pattern}`,
      async () => pattern.exec((last = await screen(page))),
      patienceMs,
    );
  } catch (error) {
    throw new Error(`${error.message}; it shows:\n${last.trimEnd()}`);
  }
}

let count = 0;

/** Runs a command line in the terminal; what it printed. */
export async function runs(page, command, patienceMs) {
  // The mark is put together by the shell, so that the typed line is not taken for its output.
  const mark = `end-${(count += 1)}`;
  await page.locator(".xterm-helper-textarea").focus();
  await page.keyboard.type(`${command}; echo "${mark}"":$?"`);
  await page.keyboard.press("Enter");
  const [, output, status] = await shows(
    page,
    new RegExp(`"${mark}"":\\$\\?"\\n([^]*?)${mark}:(\\d+)`),
    patienceMs,
  );
  return { output, status: Number(status) };
}
