import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InflightFile, InflightSlot, PAGE_BYTES, slotOwner } from "../../../src/spool/inflight.js";
import { Intake } from "../../../src/spool/intake.js";
import type { SpoolOptions } from "../../../src/spool/spool.js";
import { sessionDirectory } from "./directory.js";

const OPTIONS = { bytes: 16_384, busyBytes: 32_768 };

function memory(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(64 + PAGE_BYTES).fill(0xff);
  bytes.fill(0, 0, 64);
  return bytes;
}

/** What a death leaves behind: the slot's memory and the spool's file. */
interface Photo {
  after: string;
  slot: Buffer;
  spool: string;
}

/** A session whose every store is photographed, as a SIGKILL right after it would leave it. */
class Darkroom {
  readonly photos: Photo[] = [];
  readonly root: string = mkdtempSync(join(tmpdir(), "lifeguard-photos-"));
  watching = false;

  take(after: string, slot: Buffer, directory: string): void {
    if (!this.watching) return;
    const spool = join(this.root, String(this.photos.length));
    copyFileSync(join(directory, "spool"), spool);
    this.photos.push({ after, slot: Buffer.from(slot), spool });
  }

  options(slot: Buffer, directory: string): SpoolOptions {
    return {
      ...OPTIONS,
      write: (fd, bytes, from, length, position) => {
        if (position < 4_096) return writeSync(fd, bytes, from, length, position);
        // Two writes, so that there is a death between them.
        const wrote = writeSync(fd, bytes, from, Math.ceil(length / 2), position);
        this.take("spool", slot, directory);
        return wrote;
      },
    };
  }

  slot(bytes: Buffer, directory: string): InflightSlot {
    const take = (after: string): void => this.take(after, bytes, directory);
    return new (class extends InflightSlot {
      override get base(): number {
        return super.base;
      }
      override set base(offset: number) {
        super.base = offset;
        take("base");
      }
      override get end(): number {
        return super.end;
      }
      override set end(offset: number) {
        super.end = offset;
        take("end");
      }
      override get length(): number {
        return super.length;
      }
      override set length(n: number) {
        super.length = n;
        take(`length ${n}`);
      }
      override clear(n: number = PAGE_BYTES): void {
        this.page.fill(0xff, 0, n >> 1);
        take("half a clean page");
        this.page.fill(0xff, n >> 1, n);
        take("a clean page");
        super.clear(n);
      }
    })(0, bytes);
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

describe("intake", () => {
  let place: ReturnType<typeof sessionDirectory>;
  beforeEach(() => {
    place = sessionDirectory();
  });
  afterEach(() => place.remove());

  it("hands out what it took, with its offset, and a clean page", () => {
    const slot = new InflightSlot(0, memory());
    const intake = Intake.open(place.directory, slot, OPTIONS);
    slot.page.write("one");
    expect(intake.commit(3)).toEqual({ offset: 0, bytes: Buffer.from("one") });
    slot.page.write("three");
    const taken = intake.commit(5);
    expect([taken.offset, taken.bytes.toString(), intake.end, slot.end, slot.length, slot.unannounced]).toEqual([3, "three", 8, 8, 0, 0]);
    expect(intake.commit(0)).toEqual({ offset: 8, bytes: Buffer.alloc(0) });
    expect(() => intake.commit(PAGE_BYTES + 1)).toThrow(RangeError);
    intake.close();
  });

  it("loses and repeats nothing, whichever store was the last, also when the salvage dies as well", () => {
    const chunk = fc
      .uint8Array({ minLength: 1, maxLength: PAGE_BYTES })
      // The one thing the protocol leaves open: bytes 0xFF at the very end of what was read and not announced yet.
      .map((bytes) => {
        if (bytes.at(-1) === 0xff) bytes[bytes.length - 1] = 0;
        return Buffer.from(bytes);
      });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 3 }), chunk, (before, last) => {
        const local = sessionDirectory();
        const darkroom = new Darkroom();
        try {
          const bytes = memory();
          const intake = Intake.open(local.directory, darkroom.slot(bytes, local.directory), darkroom.options(bytes, local.directory));
          for (const part of before) {
            intake.page.set(part);
            intake.commit(part.length);
          }
          intake.page.set(last);
          darkroom.watching = true;
          darkroom.take("read", bytes, local.directory);
          intake.commit(last.length);
          darkroom.watching = false;
          intake.close();
          expect(new Set(darkroom.photos.map((photo) => photo.after)).size).toBe(8);
          const all = Buffer.concat([...before, last]);
          const first = [...darkroom.photos];
          for (const photo of first) salvage(photo, all, darkroom, true);
          for (const photo of darkroom.photos.slice(first.length)) salvage(photo, all, darkroom, false);
        } finally {
          darkroom.remove();
          local.remove();
        }
      }),
      { numRuns: 15 },
    );
  });

  function salvage(photo: Photo, all: Buffer, darkroom: Darkroom, watching: boolean): void {
    const local = sessionDirectory();
    try {
      copyFileSync(photo.spool, join(local.directory, "spool"));
      const bytes = memory();
      photo.slot.copy(bytes);
      darkroom.watching = watching;
      const slot = darkroom.slot(bytes, local.directory);
      const intake = Intake.open(local.directory, slot, darkroom.options(bytes, local.directory));
      darkroom.watching = false;
      expect([photo.after, intake.end]).toEqual([photo.after, all.length]);
      expect(intake.spool.read(0, all.length).data.equals(all)).toBe(true);
      expect([slot.length, slot.unannounced, slot.end]).toEqual([0, 0, all.length]);
      intake.close();
    } finally {
      local.remove();
    }
  }

  it("keeps 0xFF in the middle of what it salvages", () => {
    const slot = new InflightSlot(0, memory());
    Intake.open(place.directory, slot, OPTIONS).close();
    const bytes = Buffer.from([1, 0xff, 0xff, 2, 0xff, 3]);
    slot.page.set(bytes);
    const intake = Intake.open(place.directory, slot, OPTIONS);
    expect(intake.salvaged).toBe(6);
    expect(intake.spool.read(0, 10).data).toEqual(bytes);
    intake.close();
  });

  it("believes the slot about the end when the header is behind", () => {
    const bytes = memory();
    const intake = Intake.open(place.directory, new InflightSlot(0, bytes), OPTIONS);
    intake.page.fill(65, 0, 4_000);
    intake.commit(4_000);
    // No close: nobody wrote the header.
    const next = Intake.open(place.directory, new InflightSlot(0, bytes), OPTIONS);
    expect([next.salvaged, next.end]).toEqual([0, 4_000]);
    expect(next.spool.read(0, 5_000).data).toEqual(Buffer.alloc(4_000, 65));
    next.close();
  });

  it("takes over a slot that another session left dirty without taking its bytes or its offsets", () => {
    const slot = new InflightSlot(0, memory());
    const first = Intake.open(place.directory, slot, OPTIONS);
    first.page.write("theirs");
    first.commit(6);
    first.page.write("and more");
    first.close();
    const other = sessionDirectory("sess_2");
    const second = Intake.open(other.directory, slot, OPTIONS);
    expect([second.salvaged, second.end, slot.owner, slot.unannounced]).toEqual([0, 0, slotOwner(other.directory), 0]);
    second.close();
    other.remove();
  });

  it("never goes back when the slot is from before a power loss", () => {
    const bytes = memory();
    const intake = Intake.open(place.directory, new InflightSlot(0, bytes), OPTIONS);
    const old = Buffer.from(bytes);
    intake.page.write("hello");
    intake.commit(5);
    intake.close();
    old.write("junk", 64);
    const next = Intake.open(place.directory, new InflightSlot(0, old), OPTIONS);
    expect([next.end, next.salvaged]).toEqual([5, 0]);
    next.close();
  });

  it("goes on at the slot's end when the spool is damaged or gone", () => {
    const bytes = memory();
    const slot = new InflightSlot(0, bytes);
    const intake = Intake.open(place.directory, slot, OPTIONS);
    intake.page.write("hello");
    intake.commit(5);
    intake.close();
    truncateSync(join(place.directory, "spool"), 100);
    const next = Intake.open(place.directory, slot, OPTIONS);
    expect([next.end, next.spool.start, next.spool.note]).toEqual([5, 5, expect.stringContaining("100 bytes")]);
    next.close();
    rmSync(join(place.directory, "spool"));
    const third = Intake.open(place.directory, slot, OPTIONS);
    expect([third.end, third.spool.note]).toEqual([5, null]);
    third.close();
  });
});

describe("in-flight file", () => {
  let place: ReturnType<typeof sessionDirectory>;
  beforeEach(() => {
    place = sessionDirectory();
  });
  afterEach(() => place.remove());

  it("grows, is 0600, never sparse, and shared by everybody who opens it", () => {
    const path = join(place.root, "inflight");
    const one = InflightFile.open(path);
    const two = InflightFile.open(path);
    one.slot(3).page.write("three");
    one.slot(700).page.write("far");
    one.slot(700).end = 2 ** 40 + 3;
    expect(two.slot(3).page.toString("latin1", 0, 5)).toBe("three");
    expect(two.slot(700).end).toBe(2 ** 40 + 3);
    expect([two.slot(4).unannounced, two.slot(3).unannounced, two.slot(700).owner]).toEqual([0, 5, 0]);
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(16_384 + 3 * 256 * 8_256);
    one.close();
    two.close();
  });

  it("writes a chunk again that a death left unfinished, and no other", () => {
    const path = join(place.root, "inflight");
    const file = InflightFile.open(path);
    file.slot(0).page.write("kept");
    file.slot(300);
    file.close();
    truncateSync(path, 16_384 + 256 * 8_256 + 10_000);
    const again = InflightFile.open(path);
    expect([again.slot(300).unannounced, again.slot(0).unannounced]).toEqual([0, 4]);
    again.close();
  });

  it("refuses what is not its file, and numbers that are no slots", () => {
    const path = join(place.root, "other");
    mkdirSync(join(place.root, "dir"));
    expect(() => InflightFile.open(join(place.root, "dir"))).toThrow(/in-flight/);
    const file = InflightFile.open(path);
    for (const n of [-1, 0.5, Number.NaN, 65_536]) expect(() => file.slot(n)).toThrow(RangeError);
    file.close();
    writeFileSync(path, Buffer.alloc(20_000, 32));
    expect(() => InflightFile.open(path)).toThrow(/no in-flight file/);
  });
});
