/**
 * The physical limit: read(2) on terminals until they are empty, and nothing else. `node raw-loop.mjs COUNT COMMAND ARG…`: prints
 * "ready", begins each program with a line of input when it gets one itself, and prints its figures when all have ended.
 */
import { createInterface } from "node:readline";
import { EAGAIN, readDescriptor, writeDescriptor } from "../../dist/libc/descriptors.js";
import { peekExit, reap, spawnOnTerminal } from "../../dist/libc/processes.js";
import { openPty, openSlave } from "../../dist/libc/terminals.js";

const [count, file, ...args] = process.argv.slice(2);
const page = Buffer.allocUnsafeSlow(65_536);
const panes = Array.from({ length: Number(count) }, () => {
  const { master, slavePath } = openPty(120, 40);
  const slave = openSlave(slavePath);
  const env = [`PATH=${process.env.PATH}`, "TERM=xterm-256color", "LANG=C.UTF-8"];
  return { master, slave, bytes: 0, ended: false, pid: spawnOnTerminal({ file, argv: [file, ...args], env, cwd: "/", slavePath }) };
});

process.stdout.write("ready\n");
createInterface({ input: process.stdin }).once("line", () => {
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (const { master } of panes) writeDescriptor(master, Buffer.from("\n"));
  let left = panes.length;
  while (left > 0) {
    let idle = true;
    for (const pane of panes) {
      if (pane.ended) continue;
      const n = readDescriptor(pane.master, page);
      if (n > 0) {
        pane.bytes += n;
        idle = false;
      } else if (n === -EAGAIN && idle && peekExit(pane.pid) !== null) {
        // What was still on its way when it ended.
        for (let more = readDescriptor(pane.master, page); more > 0; more = readDescriptor(pane.master, page)) pane.bytes += more;
        reap(pane.pid);
        pane.ended = true;
        left--;
      }
    }
    if (idle && left > 0) Atomics.wait(NAP, 0, 0, 0.05);
  }
  const { user, system } = process.cpuUsage(cpu);
  const bytes = panes.map((pane) => pane.bytes);
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - began, cpu_ms: (user + system) / 1_000, bytes })}\n`, () =>
    process.exit(),
  );
});

const NAP = new Int32Array(new SharedArrayBuffer(4));
