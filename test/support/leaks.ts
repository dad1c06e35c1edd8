/**
 * What a suite leaves behind in its own process: descriptors, child processes, threads. `checkLeaks()` at the top of a file
 * compares before the first test with after the last.
 */
import { stat } from "node:fs/promises";
import { afterAll, beforeAll } from "vitest";
import { childrenOf, describeProcess, descriptorsOf, threadsOf } from "./processes.js";
import { waitUntil } from "./wait.js";

interface Holdings {
  descriptors: Map<number, string>;
  children: number[];
  threads: number;
}

function holdings(): Holdings {
  return { descriptors: descriptorsOf(process.pid), children: childrenOf(process.pid), threads: threadsOf(process.pid) };
}

function grownSince(before: Holdings): string[] {
  const now = holdings();
  const descriptors = [...now.descriptors]
    .filter(([fd, target]) => before.descriptors.get(fd) !== target && !target.startsWith("/proc/"))
    .map(([fd, target]) => `fd ${fd} ${target}`);
  const children = now.children
    .filter((pid) => !before.children.includes(pid))
    .map((pid) => `child ${pid} ${describeProcess(pid)?.command ?? ""}`);
  const threads = now.threads > before.threads ? [`${now.threads - before.threads} threads`] : [];
  return [...descriptors, ...children, ...threads];
}

/**
 * Call it before other hooks are registered: hooks after the tests run in reverse, so that this one looks last. Files that use
 * daemon.ts have it already.
 */
export function checkLeaks(): void {
  let before: Holdings | undefined;
  beforeAll(async () => {
    // libuv makes its pool of threads at the first use of it.
    await stat("/");
    before = holdings();
  });
  afterAll(async () => {
    if (before === undefined) return;
    const base = before;
    try {
      await waitUntil("everything to be closed", () => grownSince(base).length === 0, 5_000);
    } catch {
      throw new Error(`left behind by this file: ${grownSince(base).join(", ")}`);
    }
  }, 10_000);
}
