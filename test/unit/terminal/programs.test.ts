/** What real programs drew (test/support/record-programs.mjs): restored and snapshot terminals equal the one that saw it all. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { renderRestore } from "../../../src/actors/terminal/restore.js";
import { decodeSnapshot, encodeSnapshot } from "../../../src/actors/terminal/snapshot.js";
import type { TerminalState } from "../../../src/actors/terminal/state.js";
import { blankState, describeState, fed } from "./describe-state.js";

const DIRECTORY = new URL("../../fixtures/programs/", import.meta.url);

interface Recording {
  program: string;
  cols: number;
  rows: number;
  output: string;
}

/** Chunk lengths 1–97 that look random and are the same each time. */
function* lengths(): Generator<number> {
  for (let seed = 7; ; seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) yield 1 + (seed % 97);
}

function inChunks(state: TerminalState, bytes: Uint8Array, sizes: Iterator<number>): TerminalState {
  for (let at = 0; at < bytes.length;) {
    const length = Number(sizes.next().value);
    state.feeder.feed(bytes.subarray(at, at + length));
    at += length;
  }
  return state;
}

function* ones(): Generator<number> {
  for (;;) yield 1;
}

const files = readdirSync(DIRECTORY).filter((file) => file.endsWith(".json"));

describe.each(files)("%s", (file) => {
  const { cols, rows, output } = JSON.parse(readFileSync(new URL(file, DIRECTORY), "utf8")) as Recording;
  const bytes = Buffer.from(output, "base64");
  const size = { cols, rows };
  const original = fed(size, bytes);

  it("is the same however it is cut", () => {
    const expected = describeState(original);
    expect(describeState(inChunks(blankState(size), bytes, ones()))).toEqual(expected);
    expect(describeState(inChunks(blankState(size), bytes, lengths()))).toEqual(expected);
  });

  it("is restored exactly", () => {
    const restore = Buffer.from(renderRestore(original));
    expect(describeState(fed(size, restore))).toEqual(describeState(original));
    expect(describeState(inChunks(blankState(size), restore, ones()))).toEqual(describeState(original));
  });

  it("is restored exactly at any moment on the way", () => {
    const state = blankState(size);
    const sizes = lengths();
    let seen = 0;
    for (let at = 0; at < bytes.length;) {
      const length = Number(sizes.next().value) * 11;
      state.feeder.feed(bytes.subarray(at, at + length));
      at += length;
      if (!state.feeder.atRest) continue;
      seen++;
      expect(describeState(fed(size, renderRestore(state)))).toEqual(describeState(state));
    }
    expect(seen).toBeGreaterThan(0);
  });

  it("goes on exactly from a snapshot at any moment on the way", () => {
    const final = Buffer.from(encodeSnapshot(original, {})).toString("base64");
    let at = 0;
    for (const state = blankState(size); at < bytes.length;) {
      const next = Math.min(bytes.length, at + Math.ceil(bytes.length / 7));
      state.feeder.feed(bytes.subarray(at, next));
      at = next;
      if (!state.feeder.atRest) continue;
      const copy = decodeSnapshot(encodeSnapshot(state, {}), (dimensions) => blankState(dimensions));
      copy.feeder.feed(bytes.subarray(at));
      expect(Buffer.from(encodeSnapshot(copy, {})).toString("base64")).toBe(final);
    }
  });
});
