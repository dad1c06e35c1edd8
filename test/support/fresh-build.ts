/**
 * Global setup of the projects that run real processes: those come from dist, so dist must be of these sources.
 * `npm test` has built already; `npx vitest` on its own comes through here.
 */
import { build, isBuilt } from "../../scripts/setup.mjs";

export default async function setup(): Promise<void> {
  if (isBuilt()) return;
  try {
    await build();
  } catch (error) {
    // While a change is under way one test may be of use although the types elsewhere are not right yet. CI checks them by themselves.
    if (process.env["CI"] === "true") throw error;
    process.stderr.write(`lifeguard: dist was built with errors: ${String(error)}\n`);
  }
}
