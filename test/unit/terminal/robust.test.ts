import fc from "fast-check";
import { it } from "vitest";
import { Terminal, type TerminalListener } from "../../../src/actors/terminal/terminal.js";
import { output, size } from "./output.js";

const RUNS = Number(process.env["LIFEGUARD_RUNS"] ?? 300);
const silent: TerminalListener = { reply: () => undefined, title: () => undefined, bell: () => undefined, osc: () => undefined };

it("no output and no resize makes a terminal throw", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(size, output), { minLength: 1, maxLength: 5 }), (steps) => {
      const terminal = new Terminal({ cols: 5, rows: 3 }, { historyLines: 10 }, silent);
      for (const [dimensions, text] of steps) {
        terminal.resize(dimensions);
        terminal.feed(Buffer.from(text));
        for (const format of ["text", "ansi", "html", "svg", "restore"] as const) terminal.render({ format, scrollback: 5 });
      }
      terminal.dispose();
    }),
    { numRuns: RUNS * 2 },
  );
});

it("no control sequence makes a terminal throw or loop", () => {
  const parameter = fc.oneof(fc.nat(30), fc.constantFrom(65_535, 2_147_483_647, 99_999_999_999));
  const sequence = fc.tuple(
    fc.constantFrom("", "?", "<", "=", ">"),
    fc.array(parameter, { maxLength: 4 }),
    fc.constantFrom("", " ", "!", "$", '"', "'", "*", "#"),
    fc.integer({ min: 0x40, max: 0x7e }),
  );
  fc.assert(
    fc.property(fc.array(sequence, { minLength: 1, maxLength: 20 }), size, (sequences, dimensions) => {
      const terminal = new Terminal(dimensions, { historyLines: 5 }, silent);
      for (const [prefix, parameters, intermediate, final] of sequences) {
        terminal.feed(Buffer.from(`ab中x\x1b[${prefix}${parameters.join(";")}${intermediate}${String.fromCharCode(final)}`));
      }
      terminal.dispose();
    }),
    { numRuns: RUNS },
  );
});
