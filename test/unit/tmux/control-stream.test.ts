/** What `tmux -C` prints: taken from a real tmux 3.3a, and in pieces of every size. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ControlStream, unescapeOctal } from "../../../src/tmux/control-stream.js";

type Seen = ["answer", boolean, string[]] | ["output", number, string] | ["notice", string, string];

function read(pieces: Buffer[]): Seen[] {
  const seen: Seen[] = [];
  const stream = new ControlStream({
    answer: (ok, lines) => seen.push(["answer", ok, lines.map((line) => line.toString("utf8"))]),
    output: (pane, bytes) => {
      const last = seen.at(-1);
      if (last?.[0] === "output" && last[1] === pane) last[2] += bytes.toString("latin1");
      else seen.push(["output", pane, bytes.toString("latin1")]);
    },
    notice: (name, rest) => seen.push(["notice", name, rest]),
  });
  for (const piece of pieces) stream.push(piece);
  return seen;
}

const SAMPLE = Buffer.from(
  [
    "%begin 1795243131 266 0",
    "%end 1795243131 266 0",
    "%session-changed $0 a b_c_é",
    "%begin 1795243131 271 1",
    "%0 100 attached",
    "%end 1 2 3",
    "",
    "%end 1795243131 271 1",
    "%extended-output %12 0 : echo \u00e9\\015\\012\\033[?2004l\\134 : x",
    "%output %3 a\\\\b",
    "%begin 1795243331 317 1",
    "can't find pane: %99",
    "%error 1795243331 317 1",
    "%exit server exited",
    "",
  ].join("\n"),
);

const EXPECTED: Seen[] = [
  ["notice", "session-changed", "$0 a b_c_é"],
  ["answer", true, ["%0 100 attached", "%end 1 2 3", ""]],
  ["output", 12, Buffer.from("echo é\r\n\x1b[?2004l\\ : x").toString("latin1")],
  ["output", 3, "a\\\\b"],
  ["answer", false, ["can't find pane: %99"]],
  ["notice", "exit", "server exited"],
];

describe("a control stream", () => {
  it("tells answers, output and notices apart", () => {
    expect(read([SAMPLE])).toEqual(EXPECTED);
  });

  it("does so however it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: SAMPLE.length - 1 }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...new Set(cuts.toSorted((a, b) => a - b)), SAMPLE.length];
        expect(read(at.slice(1).map((end, i) => Buffer.from(SAMPLE.subarray(at[i], end))))).toEqual(EXPECTED);
      }),
    );
  });

  it("gives up on a line without an end", () => {
    const stream = new ControlStream({ answer: () => {}, output: () => {}, notice: () => {} });
    expect(() => {
      for (let i = 0; i < 100; i++) stream.push(Buffer.alloc(65_536, "x"));
    }).toThrow(/does not come from tmux/);
  });

  it("gives every byte back that tmux escapes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const escaped = Buffer.concat(
          Array.from(bytes, (byte) =>
            byte < 0x20 || byte === 0x5c ? Buffer.from(`\\${byte.toString(8).padStart(3, "0")}`) : Buffer.from([byte]),
          ),
        );
        expect(Buffer.from(unescapeOctal(escaped)).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });
});
