import { defineConfig } from "vitest/config";
import { FULL } from "./test/support/figures.js";
import { filesWithCounts } from "./test/support/full-counts.js";
import { LongestFirst } from "./test/support/longest-first.js";
import { TallyReporter } from "./test/support/tally-reporter.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** The files of a project; with the full counts those that have one: `npm test` has run the others as they are. */
const files = (name: string): string[] => (FULL ? filesWithCounts(import.meta.dirname, `test/${name}`) : [`test/${name}/**/*.test.ts`]);

/** A project of real daemons, after the projects of a lower order, two files at a time. */
const real = (name: string, order: number, limit: { quick: number; full: number }) => ({
  test: {
    name,
    include: files(name),
    globalSetup: ["test/support/fresh-build.ts"],
    pool: "forks" as const,
    maxWorkers: 2,
    sequence: { groupOrder: order },
    testTimeout: FULL ? limit.full : limit.quick,
    hookTimeout: 2 * MINUTE,
    teardownTimeout: 30 * SECOND,
  },
});

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new TallyReporter(process.env["LIFEGUARD_TALLY"])],
    projects: [
      {
        test: {
          name: "unit",
          include: files("unit"),
          pool: "forks",
          maxWorkers: 2,
          // Files share two processes: to load the same modules for each of them takes a third of the time.
          isolate: false,
          sequence: { groupOrder: 1 },
          // A test that hangs ends; one on a machine that others keep busy does not.
          testTimeout: 2 * MINUTE,
        },
      },
      real("contract", 2, { quick: 2 * MINUTE, full: 5 * MINUTE }),
      real("integration", 3, { quick: 3 * MINUTE, full: 15 * MINUTE }),
      real("fault", 4, { quick: 4 * MINUTE, full: 20 * MINUTE }),
      // Real agents, where they are installed: npm run test:agents.
      ...(process.env["AGENTS_DIR"] === undefined ? [] : [real("agents", 5, { quick: 10 * MINUTE, full: 60 * MINUTE })]),
    ],
  },
});
