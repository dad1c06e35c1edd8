/** The order of test files: those that take minutes with the full counts begin first, so that none of them runs alone at the end. */
import { basename } from "node:path";
import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";

/** The longest first. */
const LONG = ["store-killed", "fast-exits", "tmux-day", "rpc-fuzz", "prompts-sigkill", "store-damaged", "prompts"];

const rank = ({ moduleId }: TestSpecification): number => {
  const place = LONG.indexOf(basename(moduleId, ".test.ts"));
  return place < 0 ? LONG.length : place;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
