/** When a terminal's snapshot is written, and where. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DiskSnapshot } from "../../../src/actors/disk-snapshot.js";
import { SpoolIndex } from "../../../src/spool/index-file.js";
import { snapshotPath } from "../../../src/spool/snapshot-file.js";

const root = mkdtempSync(join(tmpdir(), "lifeguard-disk-snapshot-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const BYTES = Uint8Array.of(1, 2, 3);
const MIB = 1_048_576;

let index: SpoolIndex;
let directory: string;
let disk: DiskSnapshot;

beforeEach(() => {
  vi.useFakeTimers();
  directory = mkdtempSync(join(root, "session-"));
  index = SpoolIndex.open(directory, () => 0);
  disk = new DiskSnapshot(directory, index, 4 * MIB);
  disk.begin(100);
});
afterEach(() => {
  index.close();
  vi.useRealTimers();
});

describe("the snapshot on the disk", () => {
  it("is due after 64 KiB, at most once a second, and must be written before the spool would overwrite what follows", () => {
    expect(disk.due(100 + 65_535)).toBe("no");
    expect(disk.due(100 + 65_536)).toBe("due");
    disk.write(70_000, BYTES);
    expect(disk.at).toBe(70_000);
    expect(disk.due(70_000 + 65_536)).toBe("no");
    expect(disk.due(70_000 + 3 * MIB)).toBe("must");
    vi.advanceTimersByTime(1_000);
    expect(disk.due(70_000 + 65_536)).toBe("due");
    expect(index.newest("snapshot", MIB)?.offset).toBe(70_000);
  });

  it("of a packed terminal is written at once, then each thirty seconds; sooner when much would have to be replayed", () => {
    expect(disk.packedDueIn(100)).toBeNull();
    expect(disk.packedDueIn(110)).toBe(0);
    disk.write(110, BYTES);
    expect(disk.packedDueIn(110)).toBeNull();
    expect(disk.packedDueIn(120)).toBe(30_000);
    vi.advanceTimersByTime(29_000);
    expect(disk.packedDueIn(120)).toBe(1_000);
    expect(disk.packedDueIn(110 + 65_536)).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(disk.packedDueIn(120)).toBe(0);
  });

  it("is written anew at the same offset when the size has changed, and only then", () => {
    disk.write(110, BYTES);
    expect(disk.isOf(110)).toBe(true);
    rmSync(snapshotPath(directory));
    disk.write(110, BYTES);
    expect(existsSync(snapshotPath(directory))).toBe(false);
    disk.resized();
    expect(disk.isOf(110)).toBe(false);
    disk.write(110, BYTES);
    expect([existsSync(snapshotPath(directory)), disk.isOf(110)]).toEqual([true, true]);
  });

  it("stays the old one when the disk refuses the new", () => {
    disk.write(110, BYTES);
    rmSync(directory, { recursive: true });
    disk.write(120, BYTES);
    expect(existsSync(directory)).toBe(false);
    expect([disk.at, disk.isOf(120), disk.packedDueIn(120)]).toEqual([110, false, 30_000]);
  });
});
