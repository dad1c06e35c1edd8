/**
 * Closes a run: the figures the tests printed, together, and one plain line that a machine can read. With a path it also leaves
 * the counts there, for `.ci/run` to add up.
 */
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";
import { FIGURE } from "./figures.js";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export class TallyReporter implements Reporter {
  readonly #path: string | undefined;
  readonly #figures: string[] = [];

  constructor(path: string | undefined) {
    this.#path = path;
  }

  onUserConsoleLog(log: { content: string }): void {
    for (const line of log.content.split("\n")) {
      if (line.startsWith(FIGURE)) this.#figures.push(line);
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") tally.passed++;
        else if (state === "failed") failed++;
        else tally.skipped++;
      }
      // A file that cannot be loaded, or whose hooks fail, has failed although none of its tests has.
      tally.failed += failed === 0 && module.state() === "failed" ? 1 : failed;
    }
    tally.failed += unhandled.length;
    if (this.#path !== undefined) writeFileSync(this.#path, JSON.stringify(tally));
    const figures = this.#figures.length === 0 ? "" : `\nFigures\n${this.#figures.join("\n")}\n`;
    process.stdout.write(`${figures}\ntests: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
  }
}
