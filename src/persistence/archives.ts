/** Texts with names. A file is named by the hash of the name, and has the name inside. */
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import { checkLabel } from "./checks.js";
import { Generations } from "./generations.js";
import type { Ground } from "./generations.js";
import { archiveKey, ARCHIVES } from "./places.js";
import type { PersistenceQueue } from "./queue.js";
import { archiveType } from "./record-shapes.js";
import type { Archives } from "./store.js";

export interface ArchiveParts extends Ground {
  queue: PersistenceQueue;
  clock: Clock;
  /** Of a text. At the bound: LIMIT. */
  bytes: number;
}

export class FileArchives implements Archives {
  readonly #parts: ArchiveParts;
  readonly #files = new Map<string, Generations<{ name: string; at: number }>>();

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
  }

  found(key: string, present: readonly number[]): void {
    this.#files.set(key, new Generations(this.#parts, ARCHIVES, key, archiveType, present));
  }

  async put(name: string, text: string): Promise<void> {
    const { queue, clock, bytes } = this.#parts;
    const key = archiveKey(checkLabel("name", name));
    const body = Buffer.from(text);
    if (body.length > bytes)
      throw new LifeguardError("LIMIT", `archive ${name} has ${body.length} bytes, at most ${bytes} are kept`, {
        limit: bytes,
        received: body.length,
      });
    await queue.put({
      class: "entry",
      lane: `archive-${key.slice(0, 16)}`,
      kind: "archive",
      bytes: body.length,
      run: async () => {
        const files = this.#files.get(key) ?? new Generations(this.#parts, ARCHIVES, key, archiveType);
        await files.save({ name, at: clock.now() }, [body]);
        this.#files.set(key, files);
      },
    });
  }

  async get(name: string): Promise<string> {
    const files = this.#files.get(archiveKey(checkLabel("name", name)));
    if (files === undefined) throw new LifeguardError("NOT_FOUND", `no archive ${name}`, { name });
    const loaded = await files.load((meta) => (meta.name === name ? null : `it says it is ${JSON.stringify(meta.name.slice(0, 64))}`));
    if (loaded !== null) return loaded.body.toString("utf8");
    if (files.unsupported !== null) throw new LifeguardError("UNSUPPORTED", `archive ${name}: ${files.unsupported}`, { name });
    throw new LifeguardError("DAMAGED", `archive ${name} is damaged: see store.status`, { name });
  }

  has(name: string): boolean {
    return this.#files.has(archiveKey(checkLabel("name", name)));
  }

  /** For verify. */
  entries(): Generations<{ name: string; at: number }>[] {
    return [...this.#files.values()];
  }
}
