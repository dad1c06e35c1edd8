/**
 * The newest snapshot of a session's terminal, with the offset it belongs to: restore = this plus everything after it in the spool.
 *
 * ```
 * magic 8 │ version u32 │ header bytes u32 │ offset u64 │ length u64 │ crc32 of the bytes u32 │ crc32 of the header u32 │ bytes
 * ```
 * Written beside and renamed over the old one: a reader sees the old one or the new one. Not fsynced: it has to survive the
 * death of a process, not of the machine.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { LifeguardError, messageOf } from "../errors.js";

export interface StoredSnapshot {
  offset: number;
  bytes: Buffer;
}

const HEADER_BYTES = 40;
const MAGIC = "LGSNAPS\0";
const VERSION = 1;

export function snapshotPath(directory: string): string {
  return join(directory, "snapshot");
}

/**
 * Replaces the snapshot in `directory`, 0600.
 * @throws the error of the disk; the old snapshot is then still there
 */
export function writeSnapshot(directory: string, offset: number, bytes: Uint8Array): void {
  const path = snapshotPath(directory);
  const temporary = `${path}.new`;
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(HEADER_BYTES, 12);
  header.writeBigUInt64LE(BigInt(offset), 16);
  header.writeBigUInt64LE(BigInt(bytes.byteLength), 24);
  header.writeUInt32LE(crc32(bytes), 32);
  header.writeUInt32LE(crc32(header.subarray(0, 36)), 36);
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeAll(fd, header);
    writeAll(fd, bytes);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * The snapshot in `directory`; null with `reason` null when there is none; null with the reason when it was damaged, and is
 * `snapshot.damaged` now.
 * @throws LifeguardError UNSUPPORTED for a newer version's, which is left alone
 */
export function readSnapshot(directory: string): { snapshot: StoredSnapshot; reason: null } | { snapshot: null; reason: string | null } {
  const path = snapshotPath(directory);
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    return { snapshot: null, reason: (error as NodeJS.ErrnoException).code === "ENOENT" ? null : messageOf(error) };
  }
  const reason = problemOf(file, path);
  if (reason === null) return { snapshot: { offset: Number(file.readBigUInt64LE(16)), bytes: file.subarray(HEADER_BYTES) }, reason };
  try {
    renameSync(path, `${path}.damaged`);
  } catch {
    // It stays where it is and is found damaged again: the caller goes on without it either way.
  }
  return { snapshot: null, reason };
}

function problemOf(file: Buffer, path: string): string | null {
  if (file.length < HEADER_BYTES) return `it has ${file.length} bytes, less than its header`;
  if (file.toString("latin1", 0, 8) !== MAGIC) return "it does not begin like a snapshot";
  const version = file.readUInt32LE(8);
  if (version > VERSION)
    throw new LifeguardError("UNSUPPORTED", `${path} has version ${version}, made by a newer lifeguard: it is left alone`, { path });
  if (file.readUInt32LE(36) !== crc32(file.subarray(0, 36))) return "the checksum of its header is wrong";
  const length = Number(file.readBigUInt64LE(24));
  if (file.length !== HEADER_BYTES + length) return `it has ${file.length - HEADER_BYTES} bytes, its header says ${length}`;
  return file.readUInt32LE(32) === crc32(file.subarray(HEADER_BYTES)) ? null : "its checksum is wrong";
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(fd, bytes, done, bytes.byteLength - done);
}
