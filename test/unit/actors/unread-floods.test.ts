/**
 * A session's terminal whose output may wait unread: whatever happens in between (a look, a new size, packing away, a snapshot, the
 * death of its thread), it is the terminal that read every byte at once, and answered and rang at the same points.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { LiveTerminal } from "../../../src/actors/live-terminal.js";
import { Terminal } from "../../../src/actors/terminal/terminal.js";
import { TurnQueue } from "../../../src/actors/turn-queue.js";
import { SpoolIndex } from "../../../src/spool/index-file.js";
import { Spool } from "../../../src/spool/spool.js";
import { pieces } from "../../../bench/workloads/generate.mjs";
import { sample, seeded } from "../../support/figures.js";

const root = mkdtempSync(join(tmpdir(), "lifeguard-floods-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const BUSY_BYTES = 262_144;
const STEPS = 100;

/** What a terminal tells, in order. */
function heard(): { told: string[]; listener: ConstructorParameters<typeof LiveTerminal>[0]["listener"] } {
  const told: string[] = [];
  const listener = {
    reply: (bytes: Uint8Array) => void told.push(`reply ${Buffer.from(bytes).toString("latin1")}`),
    title: (title: string) => void told.push(`title ${title}`),
    bell: () => void told.push("bell"),
    osc: (code: number, data: string) => void told.push(`osc ${code} ${data}`),
    current: () => {},
    back: () => {},
    lagging: () => {},
    gaveUp: (detail: string) => void told.push(`gave up: ${detail}`),
  };
  return { told, listener };
}

class Session {
  readonly #directory: string;
  readonly #historyLines: number;
  readonly #first: { cols: number; rows: number };
  readonly heard = heard();
  #spool: Spool;
  #index: SpoolIndex;
  live: LiveTerminal;

  constructor(name: string, size: { cols: number; rows: number }, historyLines: number) {
    this.#directory = join(root, name);
    this.#historyLines = historyLines;
    this.#first = size;
    mkdirSync(this.#directory);
    [this.#spool, this.#index, this.live] = this.#open();
    this.#index.append({ offset: 0, at: 0, kind: "epoch", a: 1, b: 0 });
    this.#index.append({ offset: 0, at: 0, kind: "size", a: size.cols, b: size.rows });
    this.live.blank(size);
  }

  #open(): [Spool, SpoolIndex, LiveTerminal] {
    const spool = Spool.open(this.#directory, { bytes: BUSY_BYTES / 4, busyBytes: BUSY_BYTES });
    const index = SpoolIndex.open(this.#directory, () => spool.start);
    const live = new LiveTerminal({
      id: "sess_1",
      directory: this.#directory,
      spool,
      index,
      turns: new TurnQueue(),
      historyLines: this.#historyLines,
      spoolBusyBytes: BUSY_BYTES,
      judged: () => false,
      enter: () => {},
      listener: this.heard.listener,
    });
    return [spool, index, live];
  }

  chunk(bytes: Buffer): void {
    const offset = this.#spool.end;
    this.#spool.append(bytes);
    this.live.chunk(offset, bytes);
  }

  resize(size: { cols: number; rows: number }): void {
    this.#index.append({ offset: this.#spool.end, at: 0, kind: "size", a: size.cols, b: size.rows });
    this.live.resize(size, this.#spool.end);
  }

  /** Its thread ends without a word; another one goes on from the files. */
  async die(): Promise<void> {
    // Output of a packed terminal waits for a turn; what it asked in that moment, nobody would answer any more.
    await turn();
    this.#index.close();
    this.#spool.close();
    [this.#spool, this.#index, this.live] = this.#open();
    expect(this.live.rebuild(this.#first).lostBytes).toBe(0);
    await this.live.whenCurrent();
  }

  end(): void {
    this.live.turnOff("the test is over");
    this.#index.close();
    this.#spool.close();
  }
}

const SPICE = [
  "\x07", "\x1b[6n", "\x1b[c", "\x1b]0;a title\x07", "\x1b[2;3r", "\x1b[r", "\x1b[?1049h", "\x1b[?1049l", "\x1b7", "\x1b8", "\x1b[?6h", "\x1b[?6l",
  "\x1b]8;;http://a/\x07", "\x1b]8;;\x07", "\x1b[4h", "\x1b[4l", "\x1b[?7l", "\x1b[?7h", "\x1b(0", "\x1b(B", "\x1bH", "\x1b[3g", "\x1b[1\"q", "\x1b[0\"q", "\x1b[48;5;9m", "\x1b[5 q",
  "\x1b[?2004h", "\x1b[?1000h", "\x1b[10A", "\x1b]133;A\x07", "\x1b[3b", "\r\n".repeat(40), "\r\n\r\n\x1b[4m", "e\u0301\u0301", "\u200d👩", "x".repeat(300), "\x1b[?2026h", "\x1b[?2026l",
]; // prettier-ignore

test(
  "looked at, resized, packed away, saved, killed in the middle of floods: the terminal that read every byte",
  { timeout: 300_000 },
  async () => {
    const random = seeded("floods and what comes between", 7);
    const below = (n: number): number => Math.floor(random() * n);
    const sizeNow = (): { cols: number; rows: number } => ({ cols: 2 + below(60), rows: 1 + below(12) });
    let looks = 0;
    let links = 0;
    for (let round = 0; round < sample("sessions", 60, 4); round++) {
      const historyLines = below(60);
      const first = sizeNow();
      const session = new Session(`s${round}`, first, historyLines);
      const model = heard();
      const all = new Terminal(first, { historyLines }, model.listener);
      const source = ["prose", "logs", "compiler", "wide"].map((name) => pieces(name, round + 1));
      const rare = random() * 0.2;
      for (let step = 0; step < STEPS; step++) {
        const wanted = below(6_000);
        let text = "";
        while (text.length < wanted) {
          text += (source[below(source.length)]?.next().value as string | undefined) ?? "";
          // Another address each time: when a number is free again depends on when snapshots were taken.
          if (random() < rare) text += (SPICE[below(SPICE.length)] ?? "").replace("http://a/", `http://a/${links++}`);
        }
        const bytes = Buffer.from(text.replaceAll("\n", "\r\n"));
        for (let at = 0; at < bytes.length;) {
          const chunk = bytes.subarray(at, (at += 1 + below(4_096)));
          session.chunk(chunk);
          all.feed(chunk);
        }
        const what = random();
        if (what < 0.05) {
          const size = sizeNow();
          session.resize(size);
          all.resize(size);
        } else if (what < 0.1) {
          const { offset: _, epoch: __, ...screen } = await session.live.screen({ format: "ansi", scrollback: 20 }, 1);
          expect(screen).toEqual(all.render({ format: "ansi", scrollback: 20 }));
          looks++;
        } else if (what < 0.12) session.live.park();
        else if (what < 0.14) session.live.save();
        else if (what < 0.16) await session.die();
        else if (what < 0.2) expect(session.live.approximate?.bracketedPaste).toBe(all.bracketedPaste);
        if (what < 0.2 || step === STEPS - 1) {
          const packed = await session.live.packed();
          expect(packed === null).toBe(!all.atRest);
          if (packed === null) continue;
          // Both read back once: links that nothing shown uses any more are left behind by that.
          const one = Terminal.fromSnapshot(packed.bytes, { historyLines }, heard().listener);
          const other = Terminal.fromSnapshot(all.snapshot(), { historyLines }, heard().listener);
          expect(Buffer.from(one.snapshot()).equals(Buffer.from(other.snapshot()))).toBe(true);
          one.dispose();
          other.dispose();
        }
      }
      expect(session.heard.told).toEqual(model.told);
      session.end();
      all.dispose();
    }
    expect(looks).toBeGreaterThan(0);
  },
);
