/**
 * What the store promises, held against both of its implementations: the one on a disk, and the one in memory that says the same
 * in fewer words.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "../../src/persistence/file-store.js";
import type { Checkpoint, CheckpointRow, JournalRead, PruneRequest, Store } from "../../src/persistence/store.js";
import { checkLeaks } from "../support/leaks.js";
import { memoryStore, World } from "../support/memory-store.js";
import { checkpoint, exited, Heard, record, TestClock } from "../support/stored.js";

checkLeaks();

interface Subject {
  store: Store;
  reopen(): Promise<Store>;
  end(): Promise<void>;
}

const subjects: [string, (clock: TestClock) => Promise<Subject>][] = [
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
      const subject: Subject = { store: memoryStore(world, clock), reopen: async () => (subject.store = memoryStore(world, clock)), end: async () => undefined };
      return subject;
    },
  ],
];

const named = (name: string): unknown => expect.objectContaining({ name });
const DAY = 86_400_000;
const policy = (change: Partial<PruneRequest> = {}): PruneRequest => ({
  olderThanMs: 7 * DAY,
  periodicKept: 10,
  sessionBytes: null,
  allBytes: null,
  dryRun: false,
  keep: () => null,
  ...change,
});

describe.each(subjects)("the store in %s", (_name, make) => {
  let clock: TestClock;
  let subject: Subject;
  let store: Store;

  beforeEach(async () => {
    clock = new TestClock();
    subject = await make(clock);
    ({ store } = subject);
  });
  afterEach(() => subject.end());

  const reopen = async (): Promise<void> => {
    store = await subject.reopen();
  };

  describe("ids", () => {
    it("are never used twice, not after removal and not after a restart", async () => {
      const { number } = store.ids.mint("session");
      await store.registry.put(exited(`sess_${number}`, 1));
      expect(await store.registry.remove(`sess_${number}`)).toBe(true);
      expect(store.ids.next("session")).toBe(number + 1);
      await reopen();
      expect(store.ids.next("session")).toBe(number + 1);
    });

    it("go on after the greatest seen anywhere", async () => {
      await store.registry.put(record("sess_9"));
      await store.registry.put(record("sess_10"));
      store.ids.seen("session", 41);
      store.ids.seen("session", 3);
      const { number, durable } = store.ids.mint("session");
      await durable;
      expect(number).toBe(42);
      await reopen();
      expect(store.ids.next("session")).toBe(43);
    });
  });

  describe("the registry", () => {
    it("gives back what was put, in order of number", async () => {
      const records = ["sess_10", "sess_9", "sess_100"].map((id) => record(id, { title: `über ${id}`, details: { a: [1, null, "x"] } }));
      await Promise.all(records.map((each) => store.registry.put(each)));
      for (const each of records) expect(await store.registry.get(each.id)).toEqual(each);
      expect(store.registry.list().map(({ id }) => id)).toEqual(["sess_9", "sess_10", "sess_100"]);
      await reopen();
      for (const each of records) expect(await store.registry.get(each.id)).toEqual(each);
      expect(store.registry.list().map(({ id }) => id)).toEqual(["sess_9", "sess_10", "sess_100"]);
      expect(store.recovery.sessions).toBe(3);
    });

    it("keeps the newest of many puts", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.registry.put(record("sess_1", { offset: index }))));
      expect((await store.registry.get("sess_1")).offset).toBe(49);
      await reopen();
      expect((await store.registry.get("sess_1")).offset).toBe(49);
    });

    it("does not keep the values of secrets", async () => {
      await store.registry.put(record("sess_1", { env: { TOKEN: "geheim", PATH: "/bin" }, envSecret: ["TOKEN"] }));
      await reopen();
      const { spec } = await store.registry.get("sess_1");
      expect(spec.env).toEqual({ PATH: "/bin" });
      expect(spec.envSecret).toEqual(["TOKEN"]);
    });

    it("removes, says whether it was there, and takes nothing more for it", async () => {
      await store.registry.put(exited("sess_1", 1));
      await store.checkpoints.save(checkpoint("sess_1"));
      await store.journals.append("sess_1", { kind: "note", data: 1 });
      expect(await store.registry.remove("sess_1")).toBe(true);
      expect(await store.registry.remove("sess_1")).toBe(false);
      await expect(store.registry.get("sess_1")).rejects.toThrow(named("NOT_FOUND") as Error);
      await expect(store.registry.put(record("sess_1"))).rejects.toThrow(named("NOT_FOUND") as Error);
      await expect(store.checkpoints.save(checkpoint("sess_1"))).rejects.toThrow(named("NOT_FOUND") as Error);
      await expect(store.journals.append("sess_1", { kind: "note", data: 1 })).rejects.toThrow(named("NOT_FOUND") as Error);
      expect(() => store.thoughts.publish("sess_1", { text: "x" })).toThrow(named("NOT_FOUND") as Error);
      await reopen();
      expect(store.registry.list()).toEqual([]);
      expect(await store.checkpoints.list()).toEqual([]);
    });

    it("asks again for the reason when a removal runs", async () => {
      await store.registry.put(exited("sess_1", 1));
      await expect(store.registry.remove("sess_1", { unless: () => "it is wanted" })).rejects.toThrow(/it is wanted/);
      expect(store.registry.has("sess_1")).toBe(true);
    });
  });

  describe("checkpoints", () => {
    beforeEach(() => store.registry.put(record("sess_1")));

    it("give back everything as it was given, binary too", async () => {
      const context = randomBytes(100_000);
      const terminal = Buffer.from("\u001b[31mrot".repeat(500));
      const given = checkpoint("sess_1", {
        label: "before refactor",
        context,
        terminal,
        offset: 77,
        epoch: 3,
        state: { deep: [{ "ü": null }] },
        extra: "more",
        tasks_completed: 5,
        token_count: 1_234,
      });
      const row = await store.checkpoints.save(given);
      await reopen();
      const back = await store.checkpoints.get(row.checkpoint);
      expect(back.context?.equals(context)).toBe(true);
      expect(back.terminal?.equals(terminal)).toBe(true);
      expect(back).toMatchObject({ label: "before refactor", offset: 77, epoch: 3, state: { deep: [{ "ü": null }] }, extra: "more", tasks_completed: 5, token_count: 1_234 });
      expect(back).toMatchObject({ state_size_bytes: Buffer.byteLength('{"deep":[{"ü":null}]}'), context_bytes: 100_000, checksum: row.checksum, spec: given.spec });
    });

    it("are listed newest first, whatever the clock does", async () => {
      const saved: string[] = [];
      for (const step of [0, -3_600_000, 0, 50 * 365 * DAY, -50 * 365 * DAY, 0]) {
        clock.time += step;
        saved.push((await store.checkpoints.save(checkpoint("sess_1", { tasks_completed: saved.length }))).checkpoint);
      }
      const order = (rows: CheckpointRow[]): string[] => rows.map((row) => row.checkpoint);
      expect(order(await store.checkpoints.list("sess_1"))).toEqual(saved.toReversed());
      expect((await store.checkpoints.latest("sess_1")).checkpoint.checkpoint).toBe(saved.at(-1));
      await reopen();
      expect(order(await store.checkpoints.list("sess_1"))).toEqual(saved.toReversed());
      expect((await store.checkpoints.latest("sess_1")).checkpoint.checkpoint).toBe(saved.at(-1));
    });

    it("periodic ones are written only when something changed, and ten are kept; manual ones all", async () => {
      const manual = await store.checkpoints.save(checkpoint("sess_1"));
      const rows: CheckpointRow[] = [];
      for (let step = 0; step < 15; step++) {
        const row = await store.checkpoints.save(checkpoint("sess_1", { kind: "periodic", offset: step }));
        const again = await store.checkpoints.save(checkpoint("sess_1", { kind: "periodic", offset: step }));
        expect(again.checkpoint).toBe(row.checkpoint);
        rows.push(row);
      }
      const wanted = [...rows.slice(-10).toReversed().map((row) => row.checkpoint), manual.checkpoint];
      expect((await store.checkpoints.list("sess_1")).map((row) => row.checkpoint)).toEqual(wanted);
      await reopen();
      expect((await store.checkpoints.list("sess_1")).map((row) => row.checkpoint)).toEqual(wanted);
      const same = await store.checkpoints.save(checkpoint("sess_1", { kind: "periodic", offset: 14 }));
      expect(same.checkpoint).toBe(wanted[0]);
    });

    it("have the parent that the session was restored from, or the one that is given", async () => {
      const first = await store.checkpoints.save(checkpoint("sess_1"));
      expect(first.parent).toBeNull();
      await store.registry.put(record("sess_1", { parent_checkpoint: first.checkpoint }));
      const second = await store.checkpoints.save(checkpoint("sess_1"));
      expect(second.parent).toBe(first.checkpoint);
      expect((await store.checkpoints.save(checkpoint("sess_1", { parent: null }))).parent).toBeNull();
      await expect(store.checkpoints.save(checkpoint("sess_1", { parent: randomUUID() }))).rejects.toThrow(named("NOT_FOUND") as Error);
    });

    it("are removed with a word on whether they were there", async () => {
      const row = await store.checkpoints.save(checkpoint("sess_1"));
      expect(await store.checkpoints.remove(row.checkpoint)).toBe(true);
      expect(await store.checkpoints.remove(row.checkpoint)).toBe(false);
      await expect(store.checkpoints.get(row.checkpoint)).rejects.toThrow(named("NOT_FOUND") as Error);
      await expect(store.checkpoints.latest("sess_1")).rejects.toThrow(named("NOT_FOUND") as Error);
      for (let step = 0; step < 3; step++) await store.checkpoints.save(checkpoint("sess_1"));
      expect(await store.checkpoints.removeAll("sess_1")).toBe(3);
      expect(await store.checkpoints.removeAll("sess_1")).toBe(0);
      await reopen();
      expect(await store.checkpoints.list("sess_1")).toEqual([]);
    });

    it("have a bound on the context", async () => {
      await expect(store.checkpoints.save(checkpoint("sess_1", { context: Buffer.alloc(16 * 1024 * 1024 + 1) }))).rejects.toThrow(named("LIMIT") as Error);
    });

    it("unknown ones and unknown sessions are NOT_FOUND", async () => {
      await expect(store.checkpoints.get(randomUUID())).rejects.toThrow(named("NOT_FOUND") as Error);
      await expect(store.checkpoints.list("sess_77")).rejects.toThrow(named("NOT_FOUND") as Error);
      await expect(store.checkpoints.save(checkpoint("sess_77"))).rejects.toThrow(named("NOT_FOUND") as Error);
    });
  });

  describe("forks", () => {
    it("are durable, have a status, and protect their checkpoint while active", async () => {
      await store.registry.put(exited("sess_1", 0));
      await store.registry.put(record("sess_2"));
      const row = await store.checkpoints.save(checkpoint("sess_1"));
      const other = await store.checkpoints.save(checkpoint("sess_2"));
      await expect(store.forks.create({ checkpoint: other.checkpoint, session: "sess_1", forked_session: "sess_3" })).rejects.toThrow(named("INVALID_PARAMS") as Error);
      await expect(store.forks.create({ checkpoint: randomUUID(), session: "sess_1", forked_session: "sess_3" })).rejects.toThrow(named("NOT_FOUND") as Error);
      const fork = await store.forks.create({ checkpoint: row.checkpoint, session: "sess_1", forked_session: "sess_3", name: "try" });
      await reopen();
      expect(store.forks.list("sess_1")).toEqual([fork]);
      expect(store.forks.get(fork.fork)).toMatchObject({ status: "active", name: "try" });
      await expect(store.checkpoints.remove(row.checkpoint)).rejects.toThrow(named("BUSY") as Error);
      await expect(store.checkpoints.removeAll("sess_1")).rejects.toThrow(named("BUSY") as Error);
      await expect(store.registry.remove("sess_1")).rejects.toThrow(named("BUSY") as Error);
      clock.time += 10 * DAY;
      expect((await store.prune(policy())).kept.map(({ id }) => id)).toEqual(["sess_1"]);
      expect((await store.forks.update(fork.fork, "merged")).status).toBe("merged");
      expect(await store.checkpoints.remove(row.checkpoint)).toBe(true);
      await expect(store.forks.update(fork.fork, "active")).rejects.toThrow(named("NOT_FOUND") as Error);
      await reopen();
      expect(store.forks.get(fork.fork).status).toBe("merged");
    });
  });

  describe("journals", () => {
    it("get-or-create finds the newest of exactly the pair", async () => {
      const open = (agent: string, created_by: string): Promise<string> => store.journals.open({ agent, created_by }).then(({ head }) => head.id);
      const [first, again] = await Promise.all([open("a/b", "me"), open("a/b", "me")]);
      expect(again).toBe(first);
      expect(await open("a-b", "me")).not.toBe(first);
      expect(await open("a/b", "Me")).not.toBe(first);
      const second = await store.journals.create({ agent: "a/b", created_by: "me", title: "two" });
      expect(await open("a/b", "me")).toBe(second.id);
      await reopen();
      expect(await open("a/b", "me")).toBe(second.id);
      expect((await store.journals.latest({ agent: "a/b", created_by: "me" })).title).toBe("two");
      await expect(store.journals.latest({ agent: "nobody", created_by: "me" })).rejects.toThrow(named("NOT_FOUND") as Error);
      expect((await store.journals.list()).map(({ id }) => id)).toEqual(["jrnl_4", "jrnl_3", "jrnl_2", "jrnl_1"]);
    });

    it("numbers entries from 1 in the order of the calls, and goes on after a restart", async () => {
      await store.registry.put(record("sess_1"));
      const appended = await Promise.all(Array.from({ length: 100 }, (_, index) => store.journals.append("sess_1", { kind: "note", data: { index } })));
      expect(appended.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      await reopen();
      expect((await store.journals.append("sess_1", { kind: "note", data: { index: 100 } })).seq).toBe(101);
      const { entries, next, damage } = await store.journals.read("sess_1");
      expect(entries.map(({ data }) => data)).toEqual(Array.from({ length: 101 }, (_, index) => ({ index })));
      expect({ next, damage }).toEqual({ next: 102, damage: [] });
    });

    it("keeps what it was given: kinds, authors, branches, bytes", async () => {
      const { id } = await store.journals.create({ agent: "a", created_by: "b" });
      const bytes = randomBytes(1_000);
      await store.journals.append(id, { kind: "message", data: "line\nbreak\r\n", author: "Zoë" });
      await store.journals.append(id, { kind: "event", data: bytes });
      await store.journals.append(id, { kind: "thought", data: null, branch: "try-2", from: 1 });
      await store.journals.append(id, { kind: "message", data: [1, 2] });
      await expect(store.journals.append(id, { kind: "note", data: 1, from: 99 })).rejects.toThrow(named("INVALID_PARAMS") as Error);
      await expect(store.journals.append(id, { kind: "compact" as never, data: 1 })).rejects.toThrow(named("INVALID_PARAMS") as Error);
      await expect(store.journals.append(id, { kind: "note", data: "x".repeat(1024 * 1024) })).rejects.toThrow(named("LIMIT") as Error);
      await reopen();
      const { entries } = await store.journals.read(id);
      expect(entries).toEqual([
        { seq: 1, at: clock.time, kind: "message", author: "Zoë", data: "line\nbreak\r\n" },
        { seq: 2, at: clock.time, kind: "event", data: bytes },
        { seq: 3, at: clock.time, kind: "thought", branch: "try-2", from: 1, data: null },
        { seq: 4, at: clock.time, kind: "message", data: [1, 2] },
      ]);
      expect((await store.journals.read(id, { branch: "try-2" })).entries.map(({ seq }) => seq)).toEqual([3]);
      expect(await store.journals.get(id)).toMatchObject({ message_count: 2, last_seq: 4, branches: ["try-2"], created_at: clock.time });
    });

    it("replays from the boundary, with the archive, else the summary, else words", async () => {
      const { id } = await store.journals.create({ agent: "a", created_by: "b" });
      for (let step = 1; step <= 5; step++) await store.journals.append(id, { kind: "message", data: step });
      expect(await store.journals.compact(id, { archive: "sum 1", summary: "short", through: 4 })).toEqual({ seq: 6 });
      await store.journals.append(id, { kind: "message", data: 7 });
      const replay = (): Promise<JournalRead> => store.journals.read(id, { from_boundary: true });
      expect((await replay()).entries.map(({ seq }) => seq)).toEqual([5, 7]);
      expect((await replay()).boundary).toEqual({ seq: 6, archive: "sum 1", archive_missing: true, prefix: "short" });
      await store.archives.put("sum 1", "the whole story");
      await reopen();
      expect((await replay()).boundary).toEqual({ seq: 6, archive: "sum 1", archive_missing: false, prefix: "the whole story" });
      await store.journals.compact(id, { archive: "sum 2" });
      await store.journals.append(id, { kind: "message", data: 9 });
      expect((await replay()).entries.map(({ seq }) => seq)).toEqual([9]);
      expect((await replay()).boundary).toEqual({ seq: 8, archive: "sum 2", archive_missing: true, prefix: "[archive sum 2: missing]" });
      expect((await store.journals.read(id)).entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect((await store.journals.get(id)).boundary).toEqual({ seq: 8, archive: "sum 2" });
    });

    it("reads in pages", async () => {
      const { id } = await store.journals.create({ agent: "a", created_by: "b" });
      await Promise.all(Array.from({ length: 25 }, (_, index) => store.journals.append(id, { kind: "note", data: index, ...(index % 3 === 0 ? { branch: "x" } : {}) })));
      const all: number[] = [];
      for (let since = 1, more = true; more; ) {
        const page = await store.journals.read(id, { since, limit: 7 });
        all.push(...page.entries.map(({ seq }) => seq));
        ({ next: since, more } = page);
      }
      expect(all).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
      const branch = await store.journals.read(id, { branch: "x", limit: 4 });
      expect(branch.entries.map(({ seq }) => seq)).toEqual([1, 4, 7, 10]);
      expect((await store.journals.read(id, { branch: "x", limit: 4, since: branch.next })).entries.map(({ seq }) => seq)).toEqual([13, 16, 19, 22]);
      expect((await store.journals.read(id, { since: 999 })).entries).toEqual([]);
    });

    it("has a title and a summary, and a time of creation that never changes", async () => {
      const made = await store.journals.create({ agent: "a", created_by: "b" });
      clock.time -= 3_600_000;
      await store.journals.update(made.id, { title: "new", summary: "long" });
      await store.journals.append(made.id, { kind: "note", data: 1 });
      await reopen();
      expect(await store.journals.get(made.id)).toMatchObject({ title: "new", summary: "long", created_at: made.created_at, agent: "a", created_by: "b" });
      expect(await store.journals.remove(made.id)).toBe(true);
      expect(await store.journals.remove(made.id)).toBe(false);
      await expect(store.journals.read(made.id)).rejects.toThrow(named("NOT_FOUND") as Error);
      expect((await store.journals.create({ agent: "a", created_by: "b" })).id).toBe("jrnl_2");
    });
  });

  describe("thoughts", () => {
    beforeEach(() => store.registry.put(record("sess_1")));
    const from = (stream: string, seq: number, text = `${stream} ${seq}`): Parameters<Store["thoughts"]["publish"]>[1] => ({ text, stream_instance_id: stream, emission_seq: seq });

    it("are taken when their stream is new or their number greater, also after a restart", async () => {
      const accepted = (stream: string, seq: number): boolean => store.thoughts.publish("sess_1", from(stream, seq)).accepted;
      expect([accepted("a", 5), accepted("a", 5), accepted("a", 4), accepted("a", 9), accepted("b", 1), accepted("b", 1)]).toEqual([true, false, false, true, true, false]);
      await reopen();
      expect([accepted("b", 1), accepted("b", 2)]).toEqual([false, true]);
      expect(store.thoughts.get("sess_1")).toMatchObject({ text: "b 2", watermark: { stream_instance_id: "b", emission_seq: 2 } });
    });

    it("carry on what an update does not say", async () => {
      store.thoughts.publish("sess_1", { text: "reads", objective_fingerprint: "f1", token_count: 7, updated_at: 100, action_cues: ["a"] });
      store.thoughts.publish("sess_1", { text: "writes", updated_at: 200 });
      expect(store.thoughts.get("sess_1")).toMatchObject({ text: "writes", objective_fingerprint: "f1", objective_changed_at: 100, token_count: 7, updated_at: 200 });
      store.thoughts.publish("sess_1", { text: "tests", objective_fingerprint: "f2", updated_at: 300 });
      store.thoughts.publish("sess_1", { text: "Sleeping.", source: "static_sleeping", objective_fingerprint: "f2", updated_at: 400 });
      await reopen();
      expect(store.thoughts.get("sess_1")).toMatchObject({ text: "tests", state: "sleeping", objective_changed_at: 300, updated_at: 400, source: "static_sleeping" });
      expect(store.thoughts.list().map(({ id }) => id)).toEqual(["sess_1"]);
    });

    it("refuse what is no thought, by field", () => {
      const publish = (input: object) => () => store.thoughts.publish("sess_1", input as never);
      expect(publish({ text: "x".repeat(121) })).toThrow(/text/);
      expect(publish({ text: "a\nb" })).toThrow(/text/);
      expect(publish({ text: "a", state: "odd" })).toThrow(/state/);
      expect(publish({ text: "a", emission_seq: 1 })).toThrow(/stream_instance_id/);
      expect(store.thoughts.get("sess_1")).toBeNull();
    });
  });

  describe("documents", () => {
    it("change only from the version that was read", async () => {
      expect(await store.documents.get("thought-config")).toEqual({ version: 0, value: null, problem: null });
      const { version } = await store.documents.put("thought-config", { engine: "rules" }, 0);
      await expect(store.documents.put("thought-config", {}, 0)).rejects.toMatchObject({ name: "BUSY", data: { version } });
      await reopen();
      expect(await store.documents.get("thought-config")).toEqual({ version, value: { engine: "rules" }, problem: null });
    });
  });

  describe("retention", () => {
    it("takes exited sessions of a certain age, and none that is live, pinned or wanted", async () => {
      await store.registry.put(exited("sess_1", clock.time - 8 * DAY));
      await store.registry.put(exited("sess_2", clock.time - 6 * DAY));
      await store.registry.put(record("sess_3", { created_at: 0, last_activity_at: 0 }));
      await store.registry.put(exited("sess_4", clock.time - 8 * DAY, { pinned: true }));
      await store.registry.put(exited("sess_5", clock.time - 8 * DAY));
      await store.registry.put(exited("sess_6", clock.time + 9 * DAY));
      const keep = (id: string): string | null => (id === "sess_5" ? "somebody looks at it" : null);
      const dry = await store.prune(policy({ dryRun: true, keep }));
      expect(dry.removed.map(({ id }) => id)).toEqual(["sess_1"]);
      expect(store.registry.list()).toHaveLength(6);
      const report = await store.prune(policy({ keep }));
      expect(report.removed.map(({ id }) => id)).toEqual(["sess_1"]);
      expect(report.kept.map(({ id }) => id).toSorted()).toEqual(["sess_4", "sess_5"]);
      await reopen();
      expect(store.registry.list().map(({ id }) => id)).toEqual(["sess_2", "sess_3", "sess_4", "sess_5", "sess_6"]);
    });
  });
});

/** Any sequence of calls does the same to both, restarts included. */
describe("files and memory", () => {
  const session = fc.integer({ min: 1, max: 3 }).map((number) => `sess_${number}`);
  const step = fc.oneof(
    fc.record({ do: fc.constant("put" as const), session, offset: fc.nat(3), gone: fc.boolean() }),
    fc.record({ do: fc.constant("remove" as const), session }),
    fc.record({ do: fc.constant("save" as const), session, kind: fc.constantFrom("periodic" as const, "manual" as const, "exit" as const), offset: fc.nat(2) }),
    fc.record({ do: fc.constant("drop" as const), which: fc.nat(5) }),
    fc.record({ do: fc.constant("append" as const), session, text: fc.string({ unit: "grapheme", maxLength: 20 }), branch: fc.option(fc.constantFrom("x", "y"), { nil: undefined }) }),
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
      { numRuns: process.env["LIFEGUARD_FULL"] === "1" ? 1_000 : 40 },
    );
  });

  async function take(subject: Subject, step: StepOf, made: string[], clock: TestClock, first: boolean): Promise<unknown> {
    const { store } = subject;
    try {
      switch (step.do) {
        case "put":
          return await store.registry.put(step.gone ? exited(step.session, 5, { offset: step.offset }) : record(step.session, { offset: step.offset }));
        case "remove":
          return await store.registry.remove(step.session);
        case "save": {
          const { checkpoint: uuid, generation } = await store.checkpoints.save(checkpoint(step.session, { kind: step.kind, offset: step.offset }));
          if (!made.includes(uuid)) made.push(uuid);
          return [made.indexOf(uuid), generation > 0];
        }
        case "drop":
          return await store.checkpoints.remove(made[step.which] ?? "00000000-0000-0000-0000-000000000000");
        case "append":
          return await store.journals.append(step.session, { kind: "message", data: step.text, ...(step.branch === undefined ? {} : { branch: step.branch }) });
        case "compact":
          return await store.journals.compact(step.session, { archive: "old", ...(step.through === undefined ? {} : { through: step.through }) });
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
    for (const { id } of store.registry.list()) journals.push(await store.journals.read(id), await store.journals.read(id, { from_boundary: true }), await store.journals.get(id));
    return { rows: store.registry.list(), contents, journals, thoughts: store.thoughts.list() };
  }
});
