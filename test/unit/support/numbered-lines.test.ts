import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { LINE_BYTES, LineChecker, expectedLine, numberedLines } from "../../support/numbered-lines.js";

/** What `count` lines are on a terminal. */
const printed = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, number) => expectedLine(number)).join(""), "latin1");

const check = (pieces: Uint8Array[], offset = 0): LineChecker => {
  const checker = new LineChecker(offset);
  for (const piece of pieces) checker.take(piece);
  checker.end();
  return checker;
};

const inPieces = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, piece) => bytes.subarray(piece * size, (piece + 1) * size));

describe("LineChecker", () => {
  it("agrees with what the command prints", () => {
    const { command, args } = numberedLines(1_000);
    const output = execFileSync(command, args, { encoding: "latin1" }).replaceAll("\n", "\r\n");
    expect(output).toBe(printed(1_000).toString("latin1"));
  });

  it.each([1, 7, 16, 17, 18, 4_096])("takes all of it in pieces of %i bytes", (size) => {
    const checker = check(inPieces(printed(500), size));
    expect(checker.fault).toBeNull();
    expect(checker.offset).toBe(500 * LINE_BYTES);
  });

  it("begins in the middle of a line", () => {
    expect(check([printed(50).subarray(100, 500)], 100).fault).toBeNull();
  });

  it.each([
    ["a byte missing", (all: Buffer) => Buffer.concat([all.subarray(0, 400), all.subarray(401)]), 400],
    ["a line missing", (all: Buffer) => Buffer.concat([all.subarray(0, 340), all.subarray(357)]), 340],
    ["a line twice", (all: Buffer) => Buffer.concat([all.subarray(0, 357), all.subarray(340)]), 357],
    ["a byte changed", (all: Buffer) => Buffer.concat([all.subarray(0, 340), Buffer.from("L"), all.subarray(341)]), 340],
  ])("finds %s", (_, damage, offset) => {
    const { fault } = check(inPieces(damage(printed(100)), 33));
    expect(fault?.offset).toBeGreaterThanOrEqual(offset);
    expect(fault?.offset).toBeLessThan(offset + LINE_BYTES);
  });

  it("counts a reader's own gap as a hole and goes on behind it", () => {
    const all = printed(100);
    const checker = new LineChecker();
    checker.take(all.subarray(0, 100));
    checker.take(all.subarray(200, 300), 200);
    expect(checker.end()?.offset).toBe(100);
    expect(checker.holes).toBe(1);
  });
});
