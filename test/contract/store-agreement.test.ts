/** Any sequence of calls does the same to both stores, restarts included. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Checkpoint, Store } from "../../src/persistence/store.js";
import { FULL } from "../support/figures.js";
import { checkLeaks } from "../support/leaks.js";
import { subjects } from "../support/store-subjects.js";
import type { Subject } from "../support/store-subjects.js";
import { checkpoint, exited, record, TestClock } from "../support/stored.js";

checkLeaks();

describe("files and memory", () => {
  const session = fc.integer({ min: 1, max: 3 }).map((number) => `sess_${number}`);
  const step = fc.oneof(
    fc.record({ do: fc.constant("put" as const), session, offset: fc.nat(3), gone: fc.boolean() }),
    fc.record({ do: fc.constant("remove" as const), session }),
    fc.record({
      do: fc.constant("save" as const),
      session,
      kind: fc.constantFrom("periodic" as const, "manual" as const, "exit" as const),
      offset: fc.nat(2),
    }),
    fc.record({ do: fc.constant("drop" as const), which: fc.nat(5) }),
    fc.record({
      do: fc.constant("append" as const),
      session,
      text: fc.string({ unit: "grapheme", maxLength: 20 }),
      branch: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
    }),
    fc.record({ do: fc.constant("compact" as const), session, through: fc.option(fc.nat(6), { nil: undefined }) }),
    fc.record({ do: fc.constant("publish" as const), session, stream: fc.constantFrom("a", "b"), seq: fc.nat(4) }),
    fc.record({ do: fc.constant("clock" as const), by: fc.integer({ min: -4_000_000, max: 4_000_000 }) }),
    fc.record({ do: fc.constant("reopen" as const) }),
  );

  it("agree", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new TestClock();
        const both = await Promise.all(subjects.map(([, make]) => make(clock)));
        /** UUIDs differ, so checkpoints are named by the order in which they were made. */
        const made = both.map(() => [] as string[]);
        try {
          for (const each of steps) {
            const seen = [];
            for (const [index, subject] of both.entries()) seen.push(await take(subject, each, made[index] ?? [], clock, index === 0));
            expect(seen[0]).toEqual(seen[1]);
          }
          const ends = [];
          for (const [index, subject] of both.entries()) ends.push(await look(subject.store, made[index] ?? []));
          expect(ends[0]).toEqual(ends[1]);
        } finally {
          for (const subject of both) await subject.end();
        }
      }),
      { numRuns: FULL ? 1_000 : 40 },
    );
  });

  async function take(subject: Subject, step: StepOf, made: string[], clock: TestClock, first: boolean): Promise<unknown> {
    const { store } = subject;
    try {
      switch (step.do) {
        case "put":
          return await store.registry.put(
            step.gone ? exited(step.session, 5, { offset: step.offset }) : record(step.session, { offset: step.offset }),
          );
        case "remove":
          return await store.registry.remove(step.session);
        case "save": {
          const { checkpoint: uuid, generation } = await store.checkpoints.save(
            checkpoint(step.session, { kind: step.kind, offset: step.offset }),
          );
          if (!made.includes(uuid)) made.push(uuid);
          return [made.indexOf(uuid), generation > 0];
        }
        case "drop":
          return await store.checkpoints.remove(made[step.which] ?? "00000000-0000-0000-0000-000000000000");
        case "append":
          return await store.journals.append(step.session, {
            kind: "message",
            data: step.text,
            ...(step.branch === undefined ? {} : { branch: step.branch }),
          });
        case "compact":
          return await store.journals.compact(step.session, {
            archive: "old",
            ...(step.through === undefined ? {} : { through: step.through }),
          });
        case "publish": {
          const published = store.thoughts.publish(step.session, { text: "t", stream_instance_id: step.stream, emission_seq: step.seq });
          if (published.accepted) await published.durable;
          return published.accepted;
        }
        case "clock":
          if (first) clock.time += step.by;
          return null;
        case "reopen":
          await subject.reopen();
          return null;
      }
    } catch (error) {
      if (!(error instanceof Error) || error.name === "AssertionError") throw error;
      return error.name;
    }
  }
  type StepOf = typeof step extends fc.Arbitrary<infer T> ? T : never;

  async function look(store: Store, made: string[]): Promise<unknown> {
    const rows = await store.checkpoints.list();
    const contents: unknown[] = [];
    for (const { checkpoint: uuid, session, kind, offset } of rows) {
      const { spec }: Checkpoint = await store.checkpoints.get(uuid);
      contents.push([made.indexOf(uuid), session, kind, offset, spec]);
    }
    const journals: unknown[] = [];
    for (const { id } of store.registry.list())
      journals.push(await store.journals.read(id), await store.journals.read(id, { from_boundary: true }), await store.journals.get(id));
    return { next: store.ids.next("session"), rows: store.registry.list(), contents, journals, thoughts: store.thoughts.list() };
  }
});
