/** Small values of the daemon's own, each with a version that who changes it has to know. */
import { LifeguardError } from "../errors.js";
import { Generations } from "./generations.js";
import type { Ground } from "./generations.js";
import { DOCUMENTS } from "./places.js";
import type { PersistenceQueue } from "./queue.js";
import { documentType } from "./record-shapes.js";
import type { DocumentName, Documents } from "./store.js";

interface Held {
  files: Generations<{ name: string; value: unknown }>;
  version: number;
  value: unknown;
  problem: string | null;
}

export class FileDocuments implements Documents {
  readonly #ground: Ground;
  readonly #queue: PersistenceQueue;
  readonly #held = new Map<string, Held>();

  constructor(ground: Ground, queue: PersistenceQueue) {
    this.#ground = ground;
    this.#queue = queue;
  }

  async load(name: DocumentName, present: readonly number[]): Promise<void> {
    const files = new Generations(this.#ground, DOCUMENTS, name, documentType, present);
    const loaded = await files.load((meta) => (meta.name === name ? null : "it is another document"));
    const problem =
      files.unsupported ?? (loaded === null && present.length > 0 ? "it was damaged and is in quarantine: the defaults are used" : null);
    this.#held.set(name, { files, version: files.newest, value: loaded?.meta.value ?? null, problem });
  }

  async get(name: DocumentName): Promise<{ version: number; value: unknown; problem: string | null }> {
    const held = this.#held.get(name);
    return { version: held?.version ?? 0, value: held?.value ?? null, problem: held?.problem ?? null };
  }

  async put(name: DocumentName, value: unknown, version: number): Promise<{ version: number }> {
    let held = this.#held.get(name);
    if (held === undefined) {
      held = { files: new Generations(this.#ground, DOCUMENTS, name, documentType), version: 0, value: null, problem: null };
      this.#held.set(name, held);
    }
    const document = held;
    return await this.#queue.put({
      class: "entry",
      lane: `document-${name}`,
      kind: "document",
      bytes: 0,
      run: async () => {
        if (document.files.unsupported !== null)
          throw new LifeguardError("UNSUPPORTED", `${name}: ${document.files.unsupported}`, { name });
        if (document.version !== version) {
          throw new LifeguardError(
            "BUSY",
            `${name} is at version ${document.version}, the change was made to version ${version}: read it again`,
            { version: document.version },
          );
        }
        document.version = await document.files.save({ name, value });
        document.value = value;
        document.problem = null;
        return { version: document.version };
      },
    });
  }
}
