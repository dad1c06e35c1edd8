import type { OptionRecord, VerbRecord } from "../src/cli/verb.js";

export function escaped(text: string): string;
export function manPage(
  records: readonly VerbRecord[],
  globals: readonly Pick<OptionRecord, "flags" | "description">[],
  version: string,
): string;
