/**
 * Every way in which the store touches a disk, and no other: what is not here cannot be made to fail in a test. The real disk is
 * below; test/support has one that tears, fills, hangs and loses its power.
 *
 * No method follows a symbolic link in the last part of a path. Errors are those of the system, with their `code`.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { LifeguardError } from "../errors.js";

export type FileKind = "file" | "directory" | "symlink" | "other";

export interface Listed {
  name: string;
  kind: FileKind;
}

export interface OpenFile {
  /** Bytes read at `position`; 0 at the end. May be fewer than asked for. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Bytes written at `position`; may be fewer than given, as write(2) does on a disk that is nearly full. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  truncate(bytes: number): Promise<void>;
  fsync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileLayer {
  /** `create`: new, 0600, EEXIST when it is there. `write`: existing, for writing. `read`: existing, for reading. */
  open(path: string, how: "create" | "write" | "read"): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** 0700; EEXIST when it is there. */
  mkdir(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** What makes a create, rename or unlink in this directory durable. */
  fsyncDirectory(path: string): Promise<void>;
  /** In no order. */
  list(path: string): Promise<Listed[]>;
  /** Null when there is nothing of that name. */
  inspect(path: string): Promise<{ kind: FileKind; bytes: number } | null>;
  /**
   * Replaces a file that can be rebuilt from others: whole or not at all for a reader, but neither fsynced nor checked for a
   * short write. Its content carries a checksum, and who reads it wrong rebuilds it.
   */
  replaceCache(path: string, temporary: string, bytes: Uint8Array): Promise<void>;
}

const HOW: Record<"create" | "write" | "read", number> = {
  create: constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
  write: constants.O_WRONLY | constants.O_NOFOLLOW,
  read: constants.O_RDONLY | constants.O_NOFOLLOW,
};

class RealFile implements OpenFile {
  readonly #handle: FileHandle;
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }
  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.byteLength, position)).bytesRead;
  }
  async write(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.byteLength, position)).bytesWritten;
  }
  truncate(bytes: number): Promise<void> {
    return this.#handle.truncate(bytes);
  }
  fsync(): Promise<void> {
    return this.#handle.sync();
  }
  close(): Promise<void> {
    return this.#handle.close();
  }
}

interface Kinded {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function kindOf(entry: Kinded): FileKind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "symlink" : "other";
}

export const realFiles: FileLayer = {
  async open(path, how) {
    return new RealFile(await open(path, HOW[how], 0o600));
  },
  rename,
  unlink,
  async mkdir(path) {
    await mkdir(path, { mode: 0o700 });
  },
  rmdir,
  async fsyncDirectory(path) {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async list(path) {
    return (await readdir(path, { withFileTypes: true })).map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  async inspect(path) {
    try {
      const stat = await lstat(path);
      return { kind: kindOf(stat), bytes: stat.size };
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null;
      throw error;
    }
  },
  async replaceCache(path, temporary, bytes) {
    // Not before it is needed: loading it takes longer than reading the records of fifty sessions.
    const { writeFile } = await import("atomically");
    await writeFile(path, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      fsync: false,
      mode: 0o600,
      chown: false,
      timeout: 1,
      tmpCreate: () => temporary,
    });
  },
};

/**
 * The real disk while the store opens: looking and reading without libuv's pool. Nothing else runs yet that a slow disk could hold
 * up, and of the fifteen thousand calls for a thousand sessions each costs half as much this way.
 */
export const openingFiles: FileLayer = {
  ...realFiles,
  async open(path, how) {
    if (how !== "read") return await realFiles.open(path, how);
    return readable(openSync(path, HOW[how]));
  },
  async list(path) {
    return readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  async inspect(path) {
    try {
      const stat = lstatSync(path);
      return { kind: kindOf(stat), bytes: stat.size };
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null;
      throw error;
    }
  },
};

function readable(descriptor: number): OpenFile {
  const onlyRead = async (): Promise<never> => {
    throw Object.assign(new Error("EBADF: it is open for reading"), { code: "EBADF" });
  };
  return {
    read: async (into, position) => readSync(descriptor, into, 0, into.byteLength, position),
    close: async () => closeSync(descriptor),
    write: onlyRead,
    truncate: onlyRead,
    fsync: onlyRead,
  };
}

/** The system's name for what went wrong, `ENOSPC`; undefined when it is no error of the system. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof LifeguardError) return typeof error.data["errno"] === "string" ? error.data["errno"] : undefined;
  const code: unknown = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

const FULL: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** There is no room; other errors mean that the disk fails. */
export function isFull(error: unknown): boolean {
  return FULL.has(errnoOf(error));
}
