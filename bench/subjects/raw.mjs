/** raw-loop.mjs as a subject: a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const LOOP = fileURLToPath(new URL("./raw-loop.mjs", import.meta.url));

/** Begins the programs, and reads what they print. @returns {ms, cpu_ms, bytes: [one a pane]} */
export async function rawLoop(count, command, args) {
  const child = spawn(process.execPath, [LOOP, String(count), command, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  child.stdin.write("\n");
  const { value } = await lines.next();
  child.stdin.end();
  if (child.exitCode === null) await once(child, "exit");
  return JSON.parse(value);
}
