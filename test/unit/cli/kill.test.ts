/** `lifeguard kill` takes a signal as kill(1) does: people type `kill -9` without thinking. */
import { expect, test } from "vitest";
import { parseWords } from "../../../src/cli/parse.js";
import { verb } from "../../../src/cli/verbs/kill.js";

function parsed(...words: string[]): { words: string[]; signal: unknown } {
  const { words: left, options } = parseWords(verb.record, words, { out: () => undefined, err: () => undefined });
  return { words: left, signal: options["signal"] };
}

test("-9, -KILL, -SIGKILL, -s KILL and --signal are one, before the id or after it", () => {
  for (const words of [
    ["-KILL", "build"],
    ["-kill", "build"],
    ["build", "-SIGKILL"],
    ["-s", "kill", "build"],
    ["--signal", "KILL", "build"],
  ])
    expect(parsed(...words)).toEqual({ words: ["build"], signal: "SIGKILL" });
  expect(parsed("-9", "build")).toEqual({ words: ["build"], signal: "9" });
  expect(parsed("build", "-15")).toEqual({ words: ["build"], signal: "15" });
});

test("other options stay what they are, and after -- a word is a name", () => {
  expect(parsed("--grace", "1s", "build")).toEqual({ words: ["build"], signal: undefined });
  expect(parsed("--", "-9")).toEqual({ words: ["-9"], signal: undefined });
  expect(() => parsed("-h")).toThrow(/help/i);
});
