/** The newest thought of each session, with the watermark of who delivered it. */
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import { sessionNumber } from "../session.js";
import { checkSessionId } from "./checks.js";
import { Generations } from "./generations.js";
import type { Ground } from "./generations.js";
import { sessionPlace } from "./places.js";
import type { PersistenceQueue } from "./queue.js";
import { thoughtType } from "./record-shapes.js";
import type { StoredThought } from "./record-shapes.js";
import type { Thoughts } from "./store.js";
import { checkPublish, merge, passes } from "./thought-admission.js";
import type { Published, PublishInput } from "./thought-admission.js";

interface Held {
  thought: StoredThought;
  files: Generations<StoredThought & { id: string }>;
  /** The write that will have it; one for many updates while the disk is slow. */
  durable: Promise<void> | null;
}

export interface ThoughtParts extends Ground {
  queue: PersistenceQueue;
  clock: Clock;
  /** True when the session is known and not removed. */
  has: (id: string) => boolean;
}

export class FileThoughts implements Thoughts {
  readonly #parts: ThoughtParts;
  readonly #held = new Map<string, Held>();

  constructor(parts: ThoughtParts) {
    this.#parts = parts;
  }

  async load(id: string, present: readonly number[]): Promise<void> {
    const files = new Generations(this.#parts, sessionPlace(id), "thought", thoughtType, present);
    const loaded = await files.load((meta) =>
      meta.id === id ? null : `it says it is of ${JSON.stringify(meta.id.slice(0, 40))} and lies in the place of ${id}`,
    );
    if (loaded === null) return;
    const { id: _, ...thought } = loaded.meta;
    this.#held.set(id, { thought, files, durable: null });
  }

  forget(id: string): void {
    this.#held.delete(id);
  }

  publish(id: string, input: PublishInput): Published {
    const { queue, clock, has } = this.#parts;
    checkPublish(input);
    if (!has(checkSessionId(id))) throw new LifeguardError("NOT_FOUND", `no session ${id} in the store`, { session: id });
    const old = this.#held.get(id);
    const reason = passes(old?.thought.watermark ?? null, input);
    if (reason !== null) return { accepted: false, reason };
    const degraded = queue.full;
    const held: Held = old ?? {
      thought: merge(null, input, clock.now()),
      files: new Generations(this.#parts, sessionPlace(id), "thought", thoughtType),
      durable: null,
    };
    const thought = merge(old?.thought ?? null, input, clock.now());
    if (queue.closed) return { accepted: false, reason: "the store is closing" };
    held.thought = thought;
    this.#held.set(id, held);
    const durable = queue.put({
      class: "snapshot",
      lane: id,
      kind: "thought",
      bytes: 0,
      run: async () => {
        if (!has(id)) return;
        await held.files.save({ id, ...held.thought });
      },
    });
    // Who publishes does not wait. Once per write: a disk that hangs must not collect listeners.
    if (durable !== held.durable) durable.catch(() => undefined);
    held.durable = durable;
    return { accepted: true, thought, degraded, durable };
  }

  get(id: string): StoredThought | null {
    return this.#held.get(checkSessionId(id))?.thought ?? null;
  }

  list(): { id: string; thought: StoredThought }[] {
    return [...this.#held]
      .map(([id, { thought }]) => ({ id, thought }))
      .toSorted((a, b) => (sessionNumber(a.id) ?? 0) - (sessionNumber(b.id) ?? 0));
  }
}
