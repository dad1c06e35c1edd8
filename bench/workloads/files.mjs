/** Workloads as files that panes print. Each ends with a reset, and a last line that says which run it was. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pieces } from "./generate.mjs";

const RESET = "\x1b[0m\x1b[?2026l\x1b[?25h\r\n";

/**
 * @param bytes about so many, before the terminal makes CR LF of LF
 * @returns the file, its bytes, and how many the terminal makes of them
 */
export function writeWorkload(directory, workload, bytes, token) {
  const path = join(directory, `${workload}-${token}`);
  const file = openSync(path, "w");
  let written = 0;
  let lines = 0;
  const source = pieces(workload);
  const put = (text) => {
    const chunk = Buffer.from(text);
    writeSync(file, chunk);
    written += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
  };
  let batch = "";
  for (const piece of source) {
    batch += piece;
    if (batch.length < 65_536) continue;
    put(batch);
    batch = "";
    if (written >= bytes) break;
  }
  put(`${RESET}${token}\n`);
  closeSync(file);
  return { path, bytes: written, terminalBytes: written + lines };
}
