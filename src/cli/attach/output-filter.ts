/**
 * A session's output on its way to the terminal that `attach` runs in.
 *
 * Nearly all of it passes as it is. What must not pass is what would reach past the session's picture: the picture is on our
 * terminal's alternate screen, so a program that leaves *its* alternate screen would otherwise uncover the user's own shell, a
 * reset would throw away the user's scrollback, and `clear` would too. Leaving the alternate screen asks for a new picture
 * (`redraw`), because what lay below is known only to the daemon.
 */
import type { Touched } from "./outer-terminal.js";
import { FRESH } from "./outer-terminal.js";

const ESC = 0x1b;
/** The longest sequence we hold back to see its end. A longer one is none of ours and passes. */
const HELD_BYTES = 64;

const ALTERNATE = new Set(["47", "1047", "1049"]);
const CLEARED = Buffer.from("\u001b[0m\u001b[H\u001b[2J");
const RESET = Buffer.from(FRESH);

export interface Filtered {
  /** For the terminal, in order. */
  pieces: Uint8Array[];
  /** The picture has to be drawn anew; what follows in this chunk was left out, a new `restore` contains it. */
  redraw: boolean;
}

export class OutputFilter {
  readonly touched: Touched = { palette: false, progress: false };
  #held: Buffer = Buffer.alloc(0);

  /**
   * @param mayRedraw false for the bytes of a restore itself: they are the new picture
   */
  pass(chunk: Uint8Array, mayRedraw = true): Filtered {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = this.#held.length === 0 ? fresh : Buffer.concat([this.#held, fresh]);
    this.#held = Buffer.alloc(0);
    const pieces: Uint8Array[] = [];
    let from = 0;
    let at = bytes.indexOf(ESC);
    while (at !== -1) {
      const sequence = readSequence(bytes, at);
      if (sequence === "incomplete") {
        if (bytes.length - at <= HELD_BYTES) {
          this.#held = Buffer.from(bytes.subarray(at));
          if (at > from) pieces.push(bytes.subarray(from, at));
          return { pieces, redraw: false };
        }
        at = bytes.indexOf(ESC, at + 1);
        continue;
      }
      this.#note(sequence);
      const change = changeOf(sequence);
      if (change === "pass") {
        at = bytes.indexOf(ESC, sequence.end);
        continue;
      }
      if (at > from) pieces.push(bytes.subarray(from, at));
      if (change === "redraw" && mayRedraw) return { pieces, redraw: true };
      if (change !== "redraw") pieces.push(...change);
      from = sequence.end;
      at = bytes.indexOf(ESC, from);
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from));
    return { pieces, redraw: false };
  }

  /** Before a new picture: a sequence cut off by the redraw must not meet the new bytes. */
  forget(): void {
    this.#held = Buffer.alloc(0);
  }

  #note(sequence: Sequence): void {
    if (sequence.kind !== "osc") return;
    if (/^(?:4|5|1[0-9]);/.test(sequence.body) && !sequence.body.endsWith("?")) this.touched.palette = true;
    if (/^9;4;[1-4]/.test(sequence.body)) this.touched.progress = true;
  }
}

/** `body`: what is between the introducer and `final`; for an OSC, its first bytes. `end`: where the next thing begins. */
interface Sequence {
  kind: "csi" | "osc" | "other";
  body: string;
  final: string;
  end: number;
}

function readSequence(bytes: Buffer, at: number): Sequence | "incomplete" {
  const second = bytes[at + 1];
  if (second === undefined) return "incomplete";
  if (second === 0x5d /* ] */) {
    // The number and a little more is all we look at; the rest passes unseen.
    let end = at + 2;
    while (end < bytes.length && end < at + 12) {
      const byte = bytes[end] ?? 0;
      if (byte === 0x07 || byte === ESC) break;
      end++;
    }
    if (end === bytes.length && end < at + 12) return "incomplete";
    return { kind: "osc", body: bytes.toString("latin1", at + 2, end), final: "", end };
  }
  if (second !== 0x5b /* [ */)
    return { kind: "other", body: "", final: String.fromCharCode(second), end: second === ESC ? at + 1 : at + 2 };
  for (let end = at + 2; end < bytes.length; end++) {
    const byte = bytes[end] ?? 0;
    if (byte >= 0x40 && byte <= 0x7e)
      return { kind: "csi", body: bytes.toString("latin1", at + 2, end), final: String.fromCharCode(byte), end: end + 1 };
    // Not a parameter: the sequence is broken, and the terminal will see that for itself.
    if (byte < 0x20 || byte > 0x7e) return { kind: "other", body: "", final: "", end };
  }
  return "incomplete";
}

function changeOf(sequence: Sequence): "pass" | "redraw" | Buffer[] {
  if (sequence.kind === "other") return sequence.final === "c" ? [RESET] : "pass";
  if (sequence.kind !== "csi") return "pass";
  const { body, final } = sequence;
  if (final === "J" && body === "3") return [];
  if ((final !== "h" && final !== "l") || !body.startsWith("?")) return "pass";
  const modes = body.slice(1).split(";");
  if (!modes.some((mode) => ALTERNATE.has(mode))) return "pass";
  if (final === "l") return "redraw";
  const others = modes.filter((mode) => !ALTERNATE.has(mode));
  return others.length === 0 ? [CLEARED] : [CLEARED, Buffer.from(`\u001b[?${others.join(";")}h`)];
}
