/**
 * A disk in memory that forgets what was not fsynced, tears, fills, fails and hangs, at any system call. Contents of files and
 * entries of directories are each kept twice: as programs see them, and as they are after the power has gone.
 */
import type { FileKind, FileLayer, Listed, OpenFile } from "../../src/persistence/file-layer.js";

interface FileNode {
  kind: "file";
  seen: Buffer;
  durable: Buffer;
}
interface DirectoryNode {
  kind: "directory";
  seen: Map<string, number>;
  durable: Map<string, number>;
}
type Node = FileNode | DirectoryNode;

export type Fault =
  /** The call fails with this code, without effect. */
  | { error: string }
  /** Of a write: so many bytes are taken. */
  | { short: number }
  /** It never answers. `release` of the disk lets those go on. */
  | "hang"
  /** The process ends before this call. */
  | "crash";

export type FaultPlan = (call: number, operation: string, path: string) => Fault | undefined;

const ROOT = 1;

export class SimulatedDisk implements FileLayer {
  calls = 0;
  plan: FaultPlan = () => undefined;
  /** What was called, when `recording`. */
  readonly log: string[] = [];
  recording = false;
  /** Resolves when a `crash` was reached; no call of this disk answers from then on. */
  readonly crashed: Promise<"crashed">;
  #crash!: (value: "crashed") => void;
  #dead = false;
  #nodes = new Map<number, Node>();
  #next = ROOT + 1;
  #hanging: (() => void)[] = [];
  fsyncs = 0;
  bytesWritten = 0;

  constructor() {
    this.#nodes.set(ROOT, { kind: "directory", seen: new Map(), durable: new Map() });
    this.crashed = new Promise((resolve) => {
      this.#crash = resolve;
    });
  }

  get hanging(): number {
    return this.#hanging.length;
  }

  /** Calls that hang go on. */
  release(): void {
    this.plan = () => undefined;
    for (const wake of this.#hanging.splice(0)) wake();
  }

  /** The process died, the machine did not: everything that was seen is seen, but no more of it is durable than before. */
  afterCrash(): SimulatedDisk {
    return this.#copy(
      (file) => ({ ...file }),
      (directory) => ({ kind: "directory", seen: new Map(directory.seen), durable: new Map(directory.durable) }),
    );
  }

  /**
   * The power went. What was not fsynced is gone, or with `random` partly there: each file old, new, a part of the new or zeros,
   * each entry of a directory old or new.
   */
  afterPowerCut(random?: () => number): SimulatedDisk {
    const file = (node: FileNode): FileNode => {
      const bytes = random === undefined ? node.durable : torn(node, random);
      return { kind: "file", seen: Buffer.from(bytes), durable: Buffer.from(bytes) };
    };
    const directory = (node: DirectoryNode): DirectoryNode => {
      const entries = new Map(node.durable);
      if (random !== undefined) {
        for (const name of new Set([...node.seen.keys(), ...node.durable.keys()])) {
          if (node.seen.get(name) === node.durable.get(name) || random() < 0.5) continue;
          const seen = node.seen.get(name);
          if (seen === undefined) entries.delete(name);
          else entries.set(name, seen);
        }
      }
      return { kind: "directory", seen: new Map(entries), durable: new Map(entries) };
    };
    return this.#copy(file, directory);
  }

  #copy(file: (node: FileNode) => FileNode, directory: (node: DirectoryNode) => DirectoryNode): SimulatedDisk {
    const disk = new SimulatedDisk();
    disk.#next = this.#next;
    for (const [number, node] of this.#nodes) disk.#nodes.set(number, node.kind === "file" ? file(node) : directory(node));
    return disk;
  }

  /** Paths and contents as seen, temporaries included. */
  contents(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    const walk = (path: string, number: number): void => {
      const node = this.#nodes.get(number);
      if (node?.kind === "file") found.set(path, node.seen);
      else if (node?.kind === "directory") for (const [name, child] of node.seen) walk(`${path}/${name}`, child);
    };
    walk("", ROOT);
    return found;
  }

  /** Changes a file behind the store's back. */
  tamper(path: string, change: (bytes: Buffer) => Buffer): void {
    const node = this.#file(path);
    node.seen = node.durable = change(Buffer.from(node.seen));
  }

  makeDirectories(path: string): void {
    let at = this.#directory("/");
    for (const name of parts(path)) {
      let number = at.seen.get(name);
      if (number === undefined) {
        number = this.#next++;
        this.#nodes.set(number, { kind: "directory", seen: new Map(), durable: new Map() });
        at.seen.set(name, number);
        at.durable.set(name, number);
      }
      at = this.#nodes.get(number) as DirectoryNode;
    }
  }

  async #call<T>(operation: string, path: string, effect: (fault: Fault | undefined) => T): Promise<T> {
    if (this.#dead) return await new Promise<never>(() => undefined);
    this.calls++;
    if (this.recording) this.log.push(`${operation} ${path}`);
    const fault = this.plan(this.calls, operation, path);
    if (fault === "crash") {
      this.#dead = true;
      this.#crash("crashed");
      return await new Promise<never>(() => undefined);
    }
    if (fault === "hang") {
      await new Promise<void>((resolve) => this.#hanging.push(resolve));
      if (this.#dead) return await new Promise<never>(() => undefined);
    }
    if (typeof fault === "object" && "error" in fault) throw systemError(fault.error, path);
    return effect(fault);
  }

  #lookup(path: string): number | undefined {
    let number = ROOT;
    for (const name of parts(path)) {
      const node = this.#nodes.get(number);
      const next = node?.kind === "directory" ? node.seen.get(name) : undefined;
      if (next === undefined) return undefined;
      number = next;
    }
    return number;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#nodes.get(this.#lookup(path) ?? -1);
    if (node === undefined) throw systemError("ENOENT", path);
    if (node.kind !== "directory") throw systemError("ENOTDIR", path);
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#nodes.get(this.#lookup(path) ?? -1);
    if (node === undefined) throw systemError("ENOENT", path);
    if (node.kind !== "file") throw systemError("EISDIR", path);
    return node;
  }

  #parent(path: string): { directory: DirectoryNode; name: string } {
    const names = parts(path);
    const name = names.pop() ?? "";
    return { directory: this.#directory(`/${names.join("/")}`), name };
  }

  open(path: string, how: "create" | "write" | "read"): Promise<OpenFile> {
    return this.#call(`open-${how}`, path, () => {
      if (how === "create") {
        const { directory, name } = this.#parent(path);
        if (directory.seen.has(name)) throw systemError("EEXIST", path);
        this.#nodes.set(this.#next, { kind: "file", seen: Buffer.alloc(0), durable: Buffer.alloc(0) });
        directory.seen.set(name, this.#next++);
      }
      return this.#opened(this.#file(path), path);
    });
  }

  #opened(node: FileNode, path: string): OpenFile {
    return {
      read: (into, position) =>
        this.#call("read", path, () => {
          const part = node.seen.subarray(position, position + into.byteLength);
          into.set(part);
          return part.length;
        }),
      write: (bytes, position) =>
        this.#call("write", path, (fault) => {
          const taken = typeof fault === "object" && "short" in fault ? bytes.subarray(0, Math.min(fault.short, bytes.byteLength)) : bytes;
          const size = Math.max(node.seen.length, position + taken.byteLength);
          const next = Buffer.alloc(size);
          node.seen.copy(next);
          next.set(taken, position);
          node.seen = next;
          this.bytesWritten += taken.byteLength;
          return taken.byteLength;
        }),
      truncate: (bytes) =>
        this.#call("truncate", path, () => {
          const next = Buffer.alloc(bytes);
          node.seen.copy(next);
          node.seen = next;
        }),
      fsync: () =>
        this.#call("fsync", path, () => {
          this.fsyncs++;
          node.durable = Buffer.from(node.seen);
        }),
      close: () => this.#call("close", path, () => undefined),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call("rename", to, () => {
      const source = this.#parent(from);
      const number = source.directory.seen.get(source.name);
      if (number === undefined) throw systemError("ENOENT", from);
      const target = this.#parent(to);
      source.directory.seen.delete(source.name);
      target.directory.seen.set(target.name, number);
    });
  }

  unlink(path: string): Promise<void> {
    return this.#call("unlink", path, () => {
      this.#file(path);
      const { directory, name } = this.#parent(path);
      directory.seen.delete(name);
    });
  }

  mkdir(path: string): Promise<void> {
    return this.#call("mkdir", path, () => {
      const { directory, name } = this.#parent(path);
      if (directory.seen.has(name)) throw systemError("EEXIST", path);
      this.#nodes.set(this.#next, { kind: "directory", seen: new Map(), durable: new Map() });
      directory.seen.set(name, this.#next++);
    });
  }

  rmdir(path: string): Promise<void> {
    return this.#call("rmdir", path, () => {
      if (this.#directory(path).seen.size > 0) throw systemError("ENOTEMPTY", path);
      const { directory, name } = this.#parent(path);
      directory.seen.delete(name);
    });
  }

  fsyncDirectory(path: string): Promise<void> {
    return this.#call("fsync-directory", path, () => {
      this.fsyncs++;
      const node = this.#directory(path);
      node.durable = new Map(node.seen);
    });
  }

  list(path: string): Promise<Listed[]> {
    return this.#call("list", path, () =>
      [...this.#directory(path).seen].map(([name, number]) => ({ name, kind: this.#nodes.get(number)?.kind ?? "other" })),
    );
  }

  inspect(path: string): Promise<{ kind: FileKind; bytes: number } | null> {
    return this.#call("inspect", path, () => {
      const node = this.#nodes.get(this.#lookup(path) ?? -1);
      return node === undefined ? null : { kind: node.kind, bytes: node.kind === "file" ? node.seen.length : 0 };
    });
  }

  replaceCache(path: string, _temporary: string, bytes: Uint8Array): Promise<void> {
    return this.#call("replace-cache", path, () => {
      const { directory, name } = this.#parent(path);
      this.#nodes.set(this.#next, { kind: "file", seen: Buffer.from(bytes), durable: Buffer.alloc(0) });
      directory.seen.set(name, this.#next++);
    });
  }
}

function parts(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code });
}

function torn(node: FileNode, random: () => number): Buffer {
  if (node.seen.equals(node.durable)) return node.durable;
  const dice = random();
  if (dice < 0.3) return node.durable;
  if (dice < 0.5) return node.seen;
  // Up to some point the new, after it zeros or nothing: what was durable before that point and is unchanged stays.
  let same = 0;
  while (same < Math.min(node.seen.length, node.durable.length) && node.seen[same] === node.durable[same]) same++;
  const cut = same + Math.floor(random() * (node.seen.length - same + 1));
  const kept = node.seen.subarray(0, cut);
  return dice < 0.75 ? Buffer.from(kept) : Buffer.concat([kept, Buffer.alloc(node.seen.length - cut)]);
}
