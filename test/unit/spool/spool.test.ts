import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSpoolReader } from "../../../src/spool/spool-reader.js";
import { Spool } from "../../../src/spool/spool.js";
import type { SpoolOptions } from "../../../src/spool/spool.js";
import { sessionDirectory } from "./directory.js";

const SMALL = { bytes: 64, busyBytes: 256 };

/** Output whose every byte tells its offset. */
function output(from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from);
  for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(from + i);
  return bytes;
}
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) & 0xff;

describe("spool", () => {
  let place: ReturnType<typeof sessionDirectory>;
  beforeEach(() => {
    place = sessionDirectory();
  });
  afterEach(() => place.remove());

  it("is 0600 and survives being closed and opened", () => {
    const spool = Spool.open(place.directory, SMALL);
    expect(statSync(spool.path).mode & 0o777).toBe(0o600);
    spool.append(output(0, 300));
    spool.close();
    const again = Spool.open(place.directory, SMALL);
    expect([again.start, again.end, again.note, again.trouble]).toEqual([44, 300, null, null]);
    expect(again.read(0, 1_000)).toEqual({ offset: 44, data: output(44, 300), next: 300, gap: 44 });
    again.close();
  });

  it("answers reads at, before and beyond what it holds", () => {
    const spool = Spool.open(place.directory, SMALL);
    spool.append(output(0, 100));
    expect(spool.read(90, 4)).toEqual({ offset: 90, data: output(90, 94), next: 94, gap: 0 });
    expect(spool.read(100, 4)).toEqual({ offset: 100, data: Buffer.alloc(0), next: 100, gap: 0 });
    expect(spool.read(5_000, 4)).toEqual({ offset: 100, data: Buffer.alloc(0), next: 100, gap: 0 });
    expect(spool.read(Number.NaN, 4).offset).toBe(100);
    expect(spool.read(-7, 2)).toEqual({ offset: 0, data: output(0, 2), next: 2, gap: 0 });
    expect(spool.read(3, Number.NaN).data.length).toBe(0);
    expect(spool.read(3, -1).data.length).toBe(0);
    spool.close();
  });

  it("holds what a model holds, whatever is appended, settled, closed and read", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), n: fc.integer({ min: 0, max: 600 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const), n: fc.integer({ min: 0, max: 400 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const), n: fc.constant(0) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("read" as const), n: fc.integer({ min: -10, max: 3_000 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const local = sessionDirectory();
        let spool = Spool.open(local.directory, SMALL);
        let start = 0;
        let end = 0;
        try {
          for (const { do: what, n } of steps) {
            if (what === "append") {
              spool.append(output(end, end + n));
              end += n;
              start = Math.max(start, end - 256);
            } else if (what === "settle") {
              spool.settle(end - n);
              start = Math.max(start, Math.min(end - 64, end - n));
            } else if (what === "reopen") {
              spool.close();
              spool = Spool.open(local.directory, SMALL);
            } else {
              const read = spool.read(n, 100);
              const from = Math.min(Math.max(n, start, 0), end);
              expect(read.offset).toBe(from);
              expect(read.gap).toBe(Math.max(0, n) >= end ? 0 : from - Math.max(0, n));
              expect(read.data.equals(output(from, Math.min(end, from + 100)))).toBe(true);
              expect(read.next).toBe(read.offset + read.data.length);
            }
            expect([spool.start, spool.end]).toEqual([start, end]);
          }
        } finally {
          spool.close();
          local.remove();
        }
      }),
      { numRuns: 150 },
    );
  });

  it("gives the disk back what settling dropped", () => {
    const options = { bytes: 65_536, busyBytes: 1_048_576 };
    const spool = Spool.open(place.directory, options);
    spool.append(output(0, 1_500_000));
    const busy = statSync(spool.path).blocks * 512;
    spool.settle();
    const quiet = statSync(spool.path).blocks * 512;
    expect(spool.end - spool.start).toBe(65_536);
    if (process.platform === "linux") expect(quiet).toBeLessThan(busy / 4);
    expect(spool.read(spool.start, 65_536).data.equals(output(spool.start, spool.end))).toBe(true);
    spool.close();
  });

  it("begins at the slot's end when its file is damaged, and keeps the damaged one aside", () => {
    const spool = Spool.open(place.directory, SMALL);
    spool.append(output(0, 100));
    spool.close();
    const fd = openSync(spool.path, "r+");
    writeSync(fd, Buffer.from("garbage"), 0, 7, 24);
    closeSync(fd);
    const next = Spool.open(place.directory, SMALL, 120);
    expect([next.start, next.end]).toEqual([120, 120]);
    expect(next.note).toContain("checksum");
    expect(existsSync(`${spool.path}.damaged`)).toBe(true);
    next.append(output(120, 130));
    next.close();
    const again = Spool.open(place.directory, SMALL);
    expect(again.read(0, 100)).toEqual({ offset: 120, data: output(120, 130), next: 130, gap: 120 });
    again.close();
  });

  it("takes a file of no bytes for a new one (a death between making it and its first header)", () => {
    writeFileSync(join(place.directory, "spool"), "");
    const spool = Spool.open(place.directory, SMALL, 7);
    expect([spool.end, spool.note]).toEqual([7, null]);
    spool.close();
    expect(openSpoolReader(place.directory).end).toBe(7);
  });

  it("refuses a newer version's file and leaves it alone", () => {
    const spool = Spool.open(place.directory, SMALL);
    spool.close();
    const fd = openSync(spool.path, "r+");
    writeSync(fd, Buffer.from([9]), 0, 1, 8);
    closeSync(fd);
    const before = readFileSync(spool.path);
    expect(() => Spool.open(place.directory, SMALL, 0)).toThrow(/version 9.*newer/);
    expect(() => openSpoolReader(place.directory)).toThrow(/version 9/);
    expect(readFileSync(spool.path).equals(before)).toBe(true);
  });

  it("keeps the ring it was made with when the configuration changes", () => {
    const spool = Spool.open(place.directory, SMALL);
    spool.append(output(0, 200));
    spool.close();
    const bigger = Spool.open(place.directory, { bytes: 1_024, busyBytes: 4_096 });
    bigger.append(output(200, 500));
    expect([bigger.start, bigger.end]).toEqual([244, 500]);
    expect(bigger.read(0, 1_000).data.equals(output(244, 500))).toBe(true);
    bigger.settle();
    expect(bigger.start).toBe(244);
    bigger.close();
  });

  it("turns what a cut file has lost into a gap, and never sends a reader in circles", () => {
    const spool = Spool.open(place.directory, SMALL);
    spool.append(output(0, 100));
    truncateSync(spool.path, 4_096 + 40);
    expect(spool.read(0, 100)).toEqual({ offset: 0, data: output(0, 40), next: 40, gap: 0 });
    expect(spool.read(40, 100)).toEqual({ offset: 100, data: Buffer.alloc(0), next: 100, gap: 60 });
    spool.close();
  });
});

describe("spool on a failing disk", () => {
  let place: ReturnType<typeof sessionDirectory>;
  let now = 0;
  let room = Number.POSITIVE_INFINITY;
  let writes = 0;
  /** A disk that takes `room` more bytes: the last write is cut short, then ENOSPC. */
  const options: SpoolOptions = {
    ...SMALL,
    monotonic: () => now,
    write: (fd, bytes, from, length, position) => {
      writes++;
      // The header lies in a block that the disk gave long ago.
      if (position < 4_096) return writeSync(fd, bytes, from, length, position);
      if (room === 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      const n = Math.min(length, room);
      room -= n;
      return writeSync(fd, bytes, from, n, position);
    },
  };
  beforeEach(() => {
    place = sessionDirectory();
    now = 0;
    room = Number.POSITIVE_INFINITY;
    writes = 0;
  });
  afterEach(() => place.remove());

  it("counts on, shows the loss as a gap, and is whole again when the disk is", () => {
    const spool = Spool.open(place.directory, options);
    spool.append(output(0, 50));
    room = 10;
    expect(spool.append(output(50, 80))).toBe(80);
    expect(spool.trouble).toContain("ENOSPC");
    expect(spool.append(output(80, 100))).toBe(100);
    room = Number.POSITIVE_INFINITY;
    expect(spool.append(output(100, 110))).toBe(110);
    now = 1_000;
    spool.append(output(110, 130));
    expect(spool.trouble).toBe(null);
    expect(spool.read(0, 1_000)).toEqual({ offset: 0, data: output(0, 60), next: 60, gap: 0 });
    expect(spool.read(60, 1_000)).toEqual({ offset: 110, data: output(110, 130), next: 130, gap: 50 });
    expect(spool.read(70, 5)).toEqual({ offset: 110, data: output(110, 115), next: 115, gap: 40 });
    spool.close();
    const again = Spool.open(place.directory, options);
    expect(again.read(60, 1_000)).toEqual({ offset: 110, data: output(110, 130), next: 130, gap: 50 });
    again.close();
  });

  it("tries a full disk at most once a second", () => {
    const spool = Spool.open(place.directory, options);
    spool.append(output(0, 10));
    room = 0;
    spool.append(output(10, 20));
    const before = writes;
    for (let i = 0; i < 1_000; i++) spool.append(output(spool.end, spool.end + 1));
    expect(writes).toBe(before);
    now = 1_000;
    spool.append(output(spool.end, spool.end + 1));
    expect(writes).toBe(before + 1);
    spool.close();
  });

  it("keeps an open hole open across a death: what lay in the ring before never comes back as output", () => {
    const spool = Spool.open(place.directory, options);
    spool.append(output(0, 256));
    room = 0;
    spool.append(output(256, 270));
    spool.append(output(270, 300));
    // No close: the process is gone, the slot knew the end.
    const next = Spool.open(place.directory, options, 300);
    expect(next.read(250, 100)).toEqual({ offset: 250, data: output(250, 256), next: 256, gap: 0 });
    expect(next.read(256, 100)).toEqual({ offset: 300, data: Buffer.alloc(0), next: 300, gap: 44 });
    next.close();
  });

  it("never returns a byte that was not written at its offset, whatever fails", () => {
    const step = fc.record({
      n: fc.integer({ min: 0, max: 300 }),
      room: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 200 })),
      wait: fc.constantFrom(0, 400, 1_000),
      reopen: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const local = sessionDirectory();
        room = Number.POSITIVE_INFINITY;
        let spool = Spool.open(local.directory, options);
        try {
          let end = 0;
          for (const { n, room: left, wait, reopen } of steps) {
            now += wait;
            room = left;
            spool.append(output(end, end + n));
            end += n;
            if (reopen) {
              // As a crash does: without close, with the slot's end.
              spool = Spool.open(local.directory, options, end);
            }
            expect(spool.end).toBe(end);
            for (let at = 0; at < end;) {
              const read = spool.read(at, 64);
              expect(read.data.equals(output(read.offset, read.next))).toBe(true);
              expect(read.next).toBeGreaterThan(at);
              expect(read.gap).toBe(read.offset - at);
              at = read.next;
            }
          }
        } finally {
          spool.close();
          local.remove();
        }
      }),
      { numRuns: 150 },
    );
  });

  it("bounds the holes it keeps apart", () => {
    const spool = Spool.open(place.directory, { ...options, bytes: 100_000, busyBytes: 100_000 });
    for (let i = 0; i < 100; i++) {
      now += 1_000;
      room = Number.POSITIVE_INFINITY;
      spool.append(output(spool.end, spool.end + 5));
      room = 0;
      spool.append(output(spool.end, spool.end + 5));
    }
    let gaps = 0;
    for (let at = spool.start; at < spool.end;) {
      const read = spool.read(at, 1_000);
      if (read.gap > 0) gaps++;
      expect(read.data.equals(output(read.offset, read.next))).toBe(true);
      at = read.next;
    }
    expect(gaps).toBe(64);
    spool.close();
  });

  it("goes on without a file it cannot open, and takes it up again with what it held", () => {
    const before = Spool.open(place.directory, options);
    before.append(output(0, 40));
    before.close();
    renameSync(place.directory, `${place.directory}.away`);
    writeFileSync(place.directory, "");
    const spool = Spool.open(place.directory, options, 40);
    expect(spool.trouble).toContain("ENOTDIR");
    expect(spool.append(output(40, 50))).toBe(50);
    expect(spool.read(0, 100)).toMatchObject({ next: 50, gap: 50 });
    rmSync(place.directory);
    renameSync(`${place.directory}.away`, place.directory);
    now = 1_000;
    spool.append(output(50, 60));
    expect(spool.trouble).toBe(null);
    expect(spool.read(0, 100)).toEqual({ offset: 0, data: output(0, 40), next: 40, gap: 0 });
    expect(spool.read(40, 100)).toEqual({ offset: 50, data: output(50, 60), next: 60, gap: 10 });
    spool.close();
  });

  it("refuses to guess where an unreadable spool ended", () => {
    Spool.open(place.directory, options).close();
    renameSync(place.directory, `${place.directory}.away`);
    writeFileSync(place.directory, "");
    expect(() => Spool.open(place.directory, options)).toThrow(/ENOTDIR/);
  });
});
