import { describe, expect, it } from "vitest";
import { Terminal } from "../../../src/actors/terminal/terminal.js";

function answers(output: string): string {
  let said = "";
  const terminal = new Terminal(
    { cols: 80, rows: 24 },
    { historyLines: 10 },
    { reply: (bytes) => (said += Buffer.from(bytes).toString()), title: () => undefined, bell: () => undefined, osc: () => undefined },
  );
  terminal.feed(Buffer.from(output));
  terminal.dispose();
  return said;
}

describe("queries", () => {
  it.each([
    ["DA1", "\x1b[c", "\x1b[?1;2c"],
    ["DA1 with 0", "\x1b[0c", "\x1b[?1;2c"],
    ["DA2", "\x1b[>c", "\x1b[>0;276;0c"],
    ["DA3", "\x1b[=c", "\x1bP!|00000000\x1b\\"],
    ["DSR 5", "\x1b[5n", "\x1b[0n"],
    ["CPR", "\x1b[3;7H\x1b[6n", "\x1b[3;7R"],
    ["CPR behind the last column", `${"x".repeat(80)}\x1b[6n`, "\x1b[1;80R"],
    ["CPR in origin mode", "\x1b[5;9r\x1b[?6h\x1b[2;2H\x1b[6n", "\x1b[2;2R"],
    ["DECXCPR", "\x1b[?6n", "\x1b[?1;1R"],
    ["DECRQM of bracketed paste", "\x1b[?2004$p\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;2$y\x1b[?2004;1$y"],
    ["DECRQM of an unknown mode", "\x1b[?9999$p", "\x1b[?9999;0$y"],
    ["DECRQSS of SGR", "\x1b[1;38;2;1;2;3;4:3m\x1bP$qm\x1b\\", "\x1bP1$r0;1;4:3;38;2;1;2;3m\x1b\\"],
    ["DECRQSS of plain SGR", "\x1bP$qm\x1b\\", "\x1bP1$r0m\x1b\\"],
    ["DECRQSS of margins", "\x1b[3;9r\x1bP$qr\x1b\\", "\x1bP1$r3;9r\x1b\\"],
    ["DECRQSS of the cursor", "\x1b[5 q\x1bP$q q\x1b\\", "\x1bP1$r5 q\x1b\\"],
    ["DECRQSS of nonsense", "\x1bP$qzz\x1b\\", "\x1bP0$r\x1b\\"],
    ["XTVERSION", "\x1b[>q", /^\x1bP>\|lifeguard\([0-9.]+\)\x1b\\$/],
    ["kitty keyboard", "\x1b[?u\x1b[>31u\x1b[?u\x1b[<u\x1b[?u", "\x1b[?0u\x1b[?25u\x1b[?0u"],
    ["modifyOtherKeys", "\x1b[?4m\x1b[>4;2m\x1b[?4m", "\x1b[>4;0m\x1b[>4;2m"],
    ["background", "\x1b]11;?\x07", "\x1b]11;rgb:1414/1717/1f1f\x1b\\"],
    ["foreground and background at once", "\x1b]10;?;?\x07", "\x1b]10;rgb:d5d5/dada/e5e5\x1b\\\x1b]11;rgb:1414/1717/1f1f\x1b\\"],
    ["a palette entry set before", "\x1b]4;1;#123456\x07\x1b]4;1;?\x07", "\x1b]4;1;rgb:1212/3434/5656\x1b\\"],
    ["a palette entry put back", "\x1b]4;200;#123456\x07\x1b]104;200\x07\x1b]4;200;?\x07", "\x1b]4;200;rgb:ffff/0000/d7d7\x1b\\"],
    ["size in cells", "\x1b[18t", "\x1b[8;24;80t"],
    [
      "XTGETTCAP",
      "\x1bP+q544e;436f;5858\x1b\\",
      "\x1bP1+r544e=787465726D2D323536636F6C6F72\x1b\\\x1bP1+r436f=323536\x1b\\\x1bP0+r5858\x1b\\",
    ],
    ["the title: never", "\x1b]0;evil\x07\x1b[21t", ""],
  ])("%s", (_, asked, expected) => {
    if (typeof expected === "string") expect(answers(asked)).toBe(expected);
    else expect(answers(asked)).toMatch(expected);
  });
});
