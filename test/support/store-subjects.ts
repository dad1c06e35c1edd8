/** The two implementations of the store, for the suites in test/contract. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { FileStore } from "../../src/persistence/file-store.js";
import type { Store } from "../../src/persistence/store.js";
import { memoryStore, World } from "./memory-store.js";
import { Heard } from "./stored.js";
import type { TestClock } from "./stored.js";

/** `store` is the one that is open; `reopen` ends it and opens the next on what it left. */
export interface Subject {
  store: Store;
  reopen(): Promise<Store>;
  end(): Promise<void>;
}

export const subjects: [string, (clock: TestClock) => Promise<Subject>][] = [
  [
    "files",
    async (clock) => {
      const directory = mkdtempSync(join(tmpdir(), "lg-store-"));
      const open = (): Promise<Store> => FileStore.open({ directory: join(directory, "store"), clock, listener: new Heard() });
      const subject: Subject = {
        store: await open(),
        reopen: async () => {
          expect((await subject.store.drain(10_000)).not_saved).toEqual([]);
          await subject.store.close();
          return (subject.store = await open());
        },
        end: async () => {
          await subject.store.drain(10_000);
          await subject.store.close();
          rmSync(directory, { recursive: true });
        },
      };
      return subject;
    },
  ],
  [
    "memory",
    async (clock) => {
      const world = new World();
      const subject: Subject = {
        store: memoryStore(world, clock),
        reopen: async () => (subject.store = memoryStore(world, clock)),
        end: async () => undefined,
      };
      return subject;
    },
  ],
];

/** An error of this name, for `toThrow`. */
export const named = (name: string): unknown => expect.objectContaining({ name });
