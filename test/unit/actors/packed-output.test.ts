/** Output that comes for a packed terminal: it waits for a turn of the thread, or for a look, and whoever looks sees it all the same. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LiveTerminal } from "../../../src/actors/live-terminal.js";
import { TurnQueue } from "../../../src/actors/turn-queue.js";
import { SpoolIndex } from "../../../src/spool/index-file.js";
import { Spool } from "../../../src/spool/spool.js";

const SIZE = { cols: 40, rows: 5 };

let directory: string;
let spool: Spool;
let index: SpoolIndex;
let live: LiveTerminal;
let told: string[];
let judged: boolean;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lifeguard-packed-output-"));
  spool = Spool.open(directory, { bytes: 262_144, busyBytes: 1_048_576 });
  index = SpoolIndex.open(directory, () => spool.start);
  told = [];
  judged = false;
  live = make();
  index.append({ offset: 0, at: 0, kind: "epoch", a: 1, b: 0 });
  index.append({ offset: 0, at: 0, kind: "size", a: SIZE.cols, b: SIZE.rows });
  live.blank(SIZE);
});
afterEach(() => {
  live.turnOff("the test is over");
  index.close();
  spool.close();
  rmSync(directory, { recursive: true, force: true });
});

function make(): LiveTerminal {
  return new LiveTerminal({
    id: "sess_1",
    directory,
    spool,
    index,
    turns: new TurnQueue(),
    historyLines: 100,
    spoolBusyBytes: 1_048_576,
    judged: () => judged,
    enter: () => {},
    listener: {
      reply: (bytes) => void told.push(`reply ${Buffer.from(bytes).toString("latin1")}`),
      title: (title) => void told.push(`title ${title}`),
      bell: () => void told.push("bell"),
      osc: () => {},
      current: () => void told.push("current"),
      back: () => void told.push("back"),
      lagging: () => {},
      gaveUp: (detail) => void told.push(detail),
    },
  });
}

/** @returns whether it was read at once */
function output(text: string): boolean {
  const bytes = Buffer.from(text);
  const offset = spool.end;
  spool.append(bytes);
  return live.chunk(offset, bytes);
}
const shown = (): string | undefined => live.present?.row(0).trimEnd();

describe.each([
  ["packed", true],
  ["blank", false],
])("a %s terminal", (_, packed) => {
  beforeEach(async () => {
    if (!packed) return;
    output("first ");
    await turn();
    expect(live.park()).toBe(true);
    told.length = 0;
  });
  const before = packed ? "first " : "";

  it("reads what came when the thread has a turn, in order, answers it, and says so once", async () => {
    expect(output("one \x1b[6n")).toBe(false);
    expect(output("two\x1b]0;named\x07")).toBe(false);
    expect(live.parked).toBe(true);
    expect(told).toEqual([]);
    await turn();
    expect(live.parked).toBe(false);
    expect(told).toEqual([`reply \x1b[1;${before.length + 5}R`, "title named", "back"]);
    expect(output(" three")).toBe(true);
    expect(shown()).toBe(`${before}one two three`);
    expect(told).toHaveLength(3);
  });

  it("leaves whole lines alone until somebody needs it, and shows them to who looks", async () => {
    expect(output("one\r\n")).toBe(true);
    expect(output("\x1b[1mtwo\x1b[m\r\n")).toBe(true);
    await turn();
    expect([live.parked, live.linesWait, told]).toEqual([true, true, []]);
    const screen = await live.screen({ format: "text", scrollback: 0 }, 1);
    expect(screen).toMatchObject({ epoch: 1, offset: spool.end, content: `${before}one\ntwo`, cursor: { x: 0, y: 2 } });
    live.savePacked();
    expect([live.parked, live.snapshotAt]).toEqual([true, packed ? before.length : 0]);
    // Looked at again: it comes back.
    expect(await live.screen({ format: "text", scrollback: 0 }, 1)).toEqual(screen);
    expect([live.parked, told]).toEqual([false, ["back"]]);
    expect(live.park()).toBe(true);
    expect(output("three\r\n")).toBe(true);
    live.save();
    expect([live.parked, live.snapshotAt]).toEqual([false, spool.end]);
  });

  it("takes a turn for lines too when they are judged by what they show, and for what follows them without an end", async () => {
    judged = true;
    expect(output("one\r\n")).toBe(false);
    await turn();
    expect([live.parked, told]).toEqual([false, ["back"]]);
    judged = false;
    expect(live.park()).toBe(true);
    expect(output("two\r\n")).toBe(true);
    expect(output("$ ")).toBe(false);
    expect(live.linesWait).toBe(false);
    await turn();
    expect([live.parked, told]).toEqual([false, ["back", "back"]]);
    expect(live.present?.row(2)).toBe("$");
  });

  it("is rebuilt with the lines that waited when its thread is lost", async () => {
    output("one\r\n");
    output("two\r\n");
    live.turnOff("the thread is lost");
    live = make();
    expect(live.rebuild(SIZE).lostBytes).toBe(0);
    await live.whenCurrent();
    expect([live.present?.row(0), live.present?.row(1)]).toEqual([`${before}one`, "two"]);
  });

  it("has read it for whoever looks before", async () => {
    output("now");
    expect(live.atHand?.row(0).trimEnd()).toBe(`${before}now`);
    expect(told).toEqual(["back"]);
    await turn();
    expect(told).toEqual(["back"]);
  });

  it("has it in what is packed for a checkpoint, and takes a new size after it", async () => {
    output("abc\r\n");
    live.resize({ cols: 20, rows: 4 }, spool.end);
    const taken = await live.packed();
    expect(taken?.offset).toBe(spool.end);
    expect(live.present?.size).toEqual({ cols: 20, rows: 4 });
    expect(live.present?.row(0).trimEnd()).toBe(`${before}abc`);
  });

  it("has read it, and told what it says, when the session ends before the thread has a turn", async () => {
    output("the end\x1b]0;last words\x07");
    live.save();
    expect(told).toEqual(["title last words", "back"]);
    expect(live.snapshotAt).toBe(spool.end);
    live.turnOff("the actor ends");
    await turn();
    expect(told).toHaveLength(2);
  });

  it("comes back at once when more comes than is held", () => {
    expect(output("x".repeat(65_535))).toBe(false);
    expect(live.parked).toBe(true);
    output("y");
    expect(live.parked).toBe(false);
    expect(told).toEqual(["back"]);
  });

  it("is rebuilt from the spool when it trips over what came, and shows it", async () => {
    live.faultNextFeed();
    output("after a fault");
    await turn();
    await live.whenCurrent();
    expect(shown()).toBe(`${before}after a fault`);
    expect(told).toEqual(["back", "current"]);
  });

  it("is off for good when it has been turned off meanwhile", async () => {
    output("too late");
    live.turnOff("the actor ends");
    await turn();
    expect([live.atHand, told]).toEqual([null, []]);
  });
});
