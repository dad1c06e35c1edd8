/**
 * The store's directory: places are lists of parts that were minted or hashed by us, never a string from outside, and no part of a
 * place is a symbolic link. Writing durably is here, as a straight list of steps.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import PQueue from "p-queue";
import { LifeguardError, messageOf } from "../errors.js";
import type { FileKind, FileLayer, Listed, OpenFile } from "./file-layer.js";
import { errnoOf } from "./file-layer.js";

/** Below the store's root, from the outside in. */
export type Place = readonly string[];

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,159}$/;
/** No reader's pattern begins with a dot. */
const TEMPORARY = /^\.tmp-/;

/** Reads under way at once: with the queue's two writes they leave most of libuv's pool to others when a disk hangs (facts.md 23). */
const READS = 4;
/** More is written part by part, from where it lies. */
const JOINED_BYTES = 65_536;

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

export class Tree {
  readonly root: string;
  #files: FileLayer;
  readonly #filesOnceOpen: FileLayer;
  readonly #reads = new PQueue({ concurrency: READS });
  readonly #life: string = randomBytes(6).toString("hex");
  #temporaries = 0;
  /** Directories whose own entry is known to be on the disk. One that is merely there may be of a life that died before its fsync. */
  readonly #sealed = new Set<string>();
  /** While the store opens: directories seen as such in a listing a moment ago, which need no second look. */
  #seen: Set<string> | null = new Set();

  /** @param opening takes its place until the store is {@link opened} */
  constructor(files: FileLayer, root: string, opening: FileLayer = files) {
    this.#files = opening;
    this.#filesOnceOpen = files;
    this.root = root;
  }

  path(place: Place): string {
    for (const part of place) {
      if (!PART.test(part))
        throw new LifeguardError("FORBIDDEN", `${JSON.stringify(part.slice(0, 80))} cannot be part of a path in the store`);
    }
    return join(this.root, ...place);
  }

  /** What a person is told: relative to the root. */
  shown(place: Place): string {
    return place.join("/");
  }

  /** Everything has been looked at once; from now on each use looks again. */
  opened(): void {
    this.#files = this.#filesOnceOpen;
    this.#seen = null;
  }

  /** Makes the root itself. Its parents must be there. */
  async makeRoot(): Promise<void> {
    await this.#makeDirectory(this.root, "the store's directory", { look: true });
    await this.#files.fsyncDirectory(join(this.root, ".."));
  }

  /**
   * Makes a directory and those above it, durably.
   * @throws FORBIDDEN when one of them is a symbolic link or no directory
   */
  async makeDirectory(place: Place): Promise<void> {
    for (let depth = 1; depth <= place.length; depth++) {
      const part = place.slice(0, depth);
      const path = this.path(part);
      // One that this life has not sealed is a new session's, most of the time: a look that finds nothing costs twice one that does.
      await this.#makeDirectory(path, this.shown(part), { look: this.#sealed.has(path) });
      if (this.#sealed.has(path)) continue;
      await this.#files.fsyncDirectory(this.path(part.slice(0, -1)));
      this.#sealed.add(path);
    }
  }

  /** Makes the entries of all directories in `place` durable at once, so that {@link makeDirectory} need not one by one. */
  async sealChildren(place: Place, children: readonly string[]): Promise<void> {
    await this.seal(place);
    for (const child of children) this.#sealed.add(this.path([...place, child]));
  }

  /** @param how `look`: before it is made, where it is probably there */
  async #makeDirectory(path: string, shown: string, how: { look: boolean }): Promise<void> {
    let there = how.look ? await this.#files.inspect(path) : null;
    if (there === null) {
      try {
        await this.#files.mkdir(path);
        return;
      } catch (error) {
        // Two that write into it at once both find it missing.
        if (errnoOf(error) !== "EEXIST") throw error;
        there = await this.#files.inspect(path);
      }
    }
    if (there !== null) refuseUnlessDirectory(there.kind, shown);
  }

  /** @throws FORBIDDEN when a part is a symbolic link; ENOENT when one is missing */
  async #guard(directory: Place): Promise<void> {
    for (let depth = 1; depth <= directory.length; depth++) {
      const part = directory.slice(0, depth);
      if (this.#seen?.has(this.path(part)) === true) continue;
      const there = await this.#files.inspect(this.path(part));
      if (there === null) throw Object.assign(new Error(`ENOENT: no such directory, ${this.shown(part)}`), { code: "ENOENT" });
      refuseUnlessDirectory(there.kind, this.shown(part));
    }
  }

  /** While the store opens, who reads sees to it that there are not too many at once. */
  #reading<T>(read: () => Promise<T>): Promise<T> {
    return this.#seen === null ? this.#reads.add(read) : read();
  }

  /** What is in a directory; null when there is none. */
  async list(place: Place): Promise<Listed[] | null> {
    return await this.#reading(async () => {
      try {
        await this.#guard(place);
        const listed = await this.#files.list(this.path(place));
        if (this.#seen !== null)
          for (const { name, kind } of listed) if (kind === "directory" && PART.test(name)) this.#seen.add(this.path([...place, name]));
        return listed;
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return null;
        throw this.#unreadable(place, error);
      }
    });
  }

  /** A disk that does not answer is neither damage nor absence: what is there is left alone. */
  #unreadable(place: Place, error: unknown): unknown {
    const errno = errnoOf(error);
    if (errno === undefined || error instanceof LifeguardError) return error;
    const path = this.shown(place);
    return new LifeguardError(
      "UNAVAILABLE",
      `${path} cannot be read now: ${messageOf(error)}; it is left alone`,
      { path, errno },
      { cause: error },
    );
  }

  async inspect(place: Place): Promise<{ kind: FileKind; bytes: number } | null> {
    return await this.#reading(() => this.#files.inspect(this.path(place)));
  }

  /**
   * The bytes of a file from `from` on, at most `max` of them. Null when there is no such file.
   * @throws LIMIT when `whole` is set and there are more
   */
  async read(place: Place, options: { from?: number; max: number; whole?: boolean }): Promise<Buffer | null> {
    return await this.#reading(async () => {
      let file: OpenFile | undefined;
      try {
        await this.#guard(place.slice(0, -1));
        const there = await this.#files.inspect(this.path(place));
        if (there === null) return null;
        if (there.kind !== "file")
          throw new LifeguardError("FORBIDDEN", `${this.shown(place)} is a ${there.kind}, expected a file: it is left alone`);
        const from = options.from ?? 0;
        if (options.whole === true && there.bytes - from > options.max) {
          throw new LifeguardError("LIMIT", `${this.shown(place)} has ${there.bytes} bytes, at most ${options.max} are read`);
        }
        file = await this.#files.open(this.path(place), "read");
        const bytes = Buffer.alloc(Math.max(0, Math.min(options.max, there.bytes - from)));
        let done = 0;
        while (done < bytes.length) {
          const read = await file.read(bytes.subarray(done), from + done);
          if (read === 0) break;
          done += read;
        }
        return bytes.subarray(0, done);
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return null;
        throw this.#unreadable(place, error);
      } finally {
        await file?.close();
      }
    });
  }

  /** A name beside others that matches no reader's pattern and that no other life of the daemon uses. */
  temporary(directory: Place): string {
    this.#temporaries++;
    return join(this.path(directory), `.tmp-${this.#life}-${this.#temporaries}`);
  }

  /**
   * Replaces or makes a file, and the directories above it; when this resolves it is on the disk under its name, and before that a reader
   * sees what was there.
   * @param old names beside it that are taken away after that, as far as they can be; not durably
   * @throws the error of the disk; what was there is then still there, or (after a failure of the last step) the new one is, undurable
   */
  async write(place: Place, parts: readonly Uint8Array[], old: readonly string[] = []): Promise<void> {
    const directory = place.slice(0, -1);
    await this.makeDirectory(directory);
    const path = this.path(place);
    const temporary = this.temporary(directory);
    let file: OpenFile | undefined = await this.#files.open(temporary, "create");
    try {
      let position = 0;
      for (const part of joined(parts)) position = await writeAll(file, part, position);
      await file.fsync();
      const done = file;
      file = undefined;
      await done.close();
      await this.#files.rename(temporary, path);
    } catch (error) {
      await file?.close().catch(() => undefined);
      // Should this fail too, the sweep at the next start finds it.
      await this.#files.unlink(temporary).catch(() => undefined);
      throw error;
    }
    await this.#files.fsyncDirectory(this.path(directory));
    // Without a second look at the directories above it.
    for (const name of old) await this.#files.unlink(this.path([...directory, name])).catch(() => undefined);
  }

  /** Replaces a file that can be rebuilt. Not durable, cheap. */
  async writeCache(place: Place, bytes: Uint8Array): Promise<void> {
    const directory = place.slice(0, -1);
    await this.#guard(directory);
    const there = await this.#files.inspect(this.path(place));
    // atomically follows links: it would replace what one points to.
    if (there !== null && there.kind !== "file")
      throw new LifeguardError("FORBIDDEN", `${this.shown(place)} is a ${there.kind}, expected a file`);
    await this.#files.replaceCache(this.path(place), this.temporary(directory), bytes);
  }

  /**
   * Writes at the end of a file whose good part has `good` bytes: whatever a failed attempt left after them is cut first.
   * Durable when it resolves.
   */
  async extend(place: Place, good: number, bytes: Uint8Array): Promise<void> {
    await this.#guard(place.slice(0, -1));
    const file = await this.#files.open(this.path(place), "write");
    try {
      const there = await this.#files.inspect(this.path(place));
      if (there !== null && there.bytes > good) await file.truncate(good);
      await writeAll(file, bytes, good);
      await file.fsync();
    } finally {
      await file.close();
    }
  }

  /** Cuts a file, durably. */
  async cut(place: Place, bytes: number): Promise<void> {
    await this.#guard(place.slice(0, -1));
    const file = await this.#files.open(this.path(place), "write");
    try {
      await file.truncate(bytes);
      await file.fsync();
    } finally {
      await file.close();
    }
  }

  /** Takes a file away; false when it was not there. Durable with {@link seal}. */
  async unlink(place: Place): Promise<boolean> {
    try {
      await this.#guard(place.slice(0, -1));
      await this.#files.unlink(this.path(place));
      return true;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  /** A temporary name is no place: the sweep has it from a listing. */
  async unlinkTemporary(directory: Place, name: string): Promise<void> {
    if (!isTemporary(name) || name.includes("/")) throw new LifeguardError("FORBIDDEN", "only a temporary file is swept");
    await this.#guard(directory);
    await this.#files.unlink(join(this.path(directory), name));
  }

  /** False when it is not empty or not there. */
  async removeDirectory(place: Place): Promise<boolean> {
    try {
      await this.#guard(place);
      await this.#files.rmdir(this.path(place));
      this.#seen?.delete(this.path(place));
      this.#sealed.delete(this.path(place));
      return true;
    } catch (error) {
      if (["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) return false;
      throw error;
    }
  }

  /** Moves a file, durably in both directories. */
  async move(from: Place, to: Place): Promise<void> {
    await this.#guard(from.slice(0, -1));
    await this.#guard(to.slice(0, -1));
    await this.#files.rename(this.path(from), this.path(to));
    await this.seal(to.slice(0, -1));
    await this.seal(from.slice(0, -1));
  }

  /** Makes what was created, renamed or unlinked in a directory durable. */
  async seal(directory: Place): Promise<void> {
    await this.#files.fsyncDirectory(this.path(directory));
  }
}

function refuseUnlessDirectory(kind: FileKind, shown: string): void {
  if (kind === "directory") return;
  throw new LifeguardError("FORBIDDEN", `${shown} is a ${kind}, expected a directory: nothing is read or written through it`, {
    path: shown,
  });
}

/** Small parts as one: each call is a thread woken and the main thread after it. */
function joined(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  return parts.reduce((sum, part) => sum + part.byteLength, 0) <= JOINED_BYTES ? [Buffer.concat(parts)] : parts;
}

/** Goes on after a short write; a disk that takes nothing without an error is treated as failing. */
async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.byteLength) {
    const written = await file.write(bytes.subarray(done), position + done);
    if (written <= 0) throw Object.assign(new Error("EIO: a write took no bytes"), { code: "EIO" });
    done += written;
  }
  return position + done;
}
