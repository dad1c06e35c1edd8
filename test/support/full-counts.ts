/** Which test files a run with the full counts takes: those that have one. The others have been run whole by `npm test`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The two ways to have a count: `sample` and `FULL` of figures.ts. */
const HAS_COUNT = /import \{[^}]*\b(?:sample|FULL)\b[^}]*\} from "[./]*support\/figures\.js"/;

/** @returns paths from `root` of the test files in `directory`, which is relative to it, in the order of their names */
export function filesWithCounts(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((file) => file.endsWith(".test.ts") && HAS_COUNT.test(readFileSync(join(root, file), "utf8")))
    .sort();
}
