import { defineConfig } from "vitest/config";
import { TallyReporter } from "./test/support/tally-reporter.js";

const full = process.env["LIFEGUARD_FULL"] === "1";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * A project of real daemons, after the projects of a lower order. Two files at a time: they wait for timers and disks more than they
 * compute. One after another with the full counts, whose figures are worth comparing.
 */
const real = (name: string, order: number, limit: { quick: number; full: number }) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    globalSetup: ["test/support/fresh-build.ts"],
    pool: "forks" as const,
    maxWorkers: 2,
    sequence: { groupOrder: order },
    testTimeout: full ? limit.full : limit.quick,
    hookTimeout: 2 * MINUTE,
    teardownTimeout: 30 * SECOND,
  },
});

export default defineConfig({
  test: {
    reporters: ["default", new TallyReporter(process.env["LIFEGUARD_TALLY"])],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 2,
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
