/**
 * What the store promises, held against both of its implementations: the one on a disk, and the one in memory that says the same
 * in fewer words. Journals and thoughts: store-journals.test.ts.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CheckpointRow, PruneRequest, Store } from "../../src/persistence/store.js";
import { checkLeaks } from "../support/leaks.js";
import { named, subjects } from "../support/store-subjects.js";
import type { Subject } from "../support/store-subjects.js";
import { checkpoint, exited, record, TestClock } from "../support/stored.js";

checkLeaks();

const DAY = 86_400_000;
const policy = (change: Partial<PruneRequest> = {}): PruneRequest => ({
  olderThanMs: 7 * DAY,
  sessionsKept: 10_000,
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

    it("nor those that somebody else minted", async () => {
      await store.registry.put(exited("sess_7", 1));
      await store.registry.remove("sess_7");
      await reopen();
      expect(store.ids.next("session")).toBe(8);
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
      await expect(store.registry.get("sess_1")).rejects.toThrow(named("NOT_FOUND"));
      await expect(store.registry.put(record("sess_1"))).rejects.toThrow(named("NOT_FOUND"));
      await expect(store.checkpoints.save(checkpoint("sess_1"))).rejects.toThrow(named("NOT_FOUND"));
      await expect(store.journals.append("sess_1", { kind: "note", data: 1 })).rejects.toThrow(named("NOT_FOUND"));
      expect(() => store.thoughts.publish("sess_1", { text: "x" })).toThrow(named("NOT_FOUND"));
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
        state: { deep: [{ ü: null }] },
        extra: "more",
        tasks_completed: 5,
        token_count: 1_234,
      });
      const row = await store.checkpoints.save(given);
      await reopen();
      const back = await store.checkpoints.get(row.checkpoint);
      expect(back.context?.equals(context)).toBe(true);
      expect(back.terminal?.equals(terminal)).toBe(true);
      expect(back).toMatchObject({
        label: "before refactor",
        offset: 77,
        epoch: 3,
        state: { deep: [{ ü: null }] },
        extra: "more",
        tasks_completed: 5,
        token_count: 1_234,
      });
      expect(back).toMatchObject({
        state_size_bytes: Buffer.byteLength('{"deep":[{"ü":null}]}'),
        context_bytes: 100_000,
        checksum: row.checksum,
        spec: given.spec,
      });
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
      const wanted = [
        ...rows
          .slice(-10)
          .toReversed()
          .map((row) => row.checkpoint),
        manual.checkpoint,
      ];
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
      await expect(store.checkpoints.save(checkpoint("sess_1", { parent: randomUUID() }))).rejects.toThrow(named("NOT_FOUND"));
    });

    it("are removed with a word on whether they were there", async () => {
      const row = await store.checkpoints.save(checkpoint("sess_1"));
      expect(await store.checkpoints.remove(row.checkpoint)).toBe(true);
      expect(await store.checkpoints.remove(row.checkpoint)).toBe(false);
      await expect(store.checkpoints.get(row.checkpoint)).rejects.toThrow(named("NOT_FOUND"));
      await expect(store.checkpoints.latest("sess_1")).rejects.toThrow(named("NOT_FOUND"));
      for (let step = 0; step < 3; step++) await store.checkpoints.save(checkpoint("sess_1"));
      expect(await store.checkpoints.removeAll("sess_1")).toBe(3);
      expect(await store.checkpoints.removeAll("sess_1")).toBe(0);
      await reopen();
      expect(await store.checkpoints.list("sess_1")).toEqual([]);
    });

    it("have a bound on the context", async () => {
      await expect(store.checkpoints.save(checkpoint("sess_1", { context: Buffer.alloc(16 * 1024 * 1024 + 1) }))).rejects.toThrow(
        named("LIMIT"),
      );
    });

    it("unknown ones and unknown sessions are NOT_FOUND", async () => {
      await expect(store.checkpoints.get(randomUUID())).rejects.toThrow(named("NOT_FOUND"));
      await expect(store.checkpoints.list("sess_77")).rejects.toThrow(named("NOT_FOUND"));
      await expect(store.checkpoints.save(checkpoint("sess_77"))).rejects.toThrow(named("NOT_FOUND"));
    });
  });

  describe("forks", () => {
    it("are durable, have a status, and protect their checkpoint while active", async () => {
      await store.registry.put(exited("sess_1", 0));
      await store.registry.put(record("sess_2"));
      const row = await store.checkpoints.save(checkpoint("sess_1"));
      const other = await store.checkpoints.save(checkpoint("sess_2"));
      await expect(store.forks.create({ checkpoint: other.checkpoint, session: "sess_1", forked_session: "sess_3" })).rejects.toThrow(
        named("INVALID_PARAMS"),
      );
      await expect(store.forks.create({ checkpoint: randomUUID(), session: "sess_1", forked_session: "sess_3" })).rejects.toThrow(
        named("NOT_FOUND"),
      );
      const fork = await store.forks.create({ checkpoint: row.checkpoint, session: "sess_1", forked_session: "sess_3", name: "try" });
      await reopen();
      expect(store.forks.list("sess_1")).toEqual([fork]);
      expect(store.forks.get(fork.fork)).toMatchObject({ status: "active", name: "try" });
      await expect(store.checkpoints.remove(row.checkpoint)).rejects.toThrow(named("BUSY"));
      await expect(store.checkpoints.removeAll("sess_1")).rejects.toThrow(named("BUSY"));
      await expect(store.registry.remove("sess_1")).rejects.toThrow(named("BUSY"));
      clock.time += 10 * DAY;
      expect((await store.prune(policy())).kept.map(({ id }) => id)).toEqual(["sess_1"]);
      expect((await store.forks.update(fork.fork, "merged")).status).toBe("merged");
      expect(await store.checkpoints.remove(row.checkpoint)).toBe(true);
      await expect(store.forks.update(fork.fork, "active")).rejects.toThrow(named("NOT_FOUND"));
      await reopen();
      expect(store.forks.get(fork.fork).status).toBe("merged");
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

    it("keeps so many ended sessions: the longest ended go first, those that may not go are passed over", async () => {
      // In an order that is neither that of their numbers nor its reverse.
      const ends = [3, 1, 5, 2, 4, 6];
      for (const [index, hours] of ends.entries())
        await store.registry.put(exited(`sess_${index + 1}`, clock.time - hours * (DAY / 24), { pinned: hours === 6 }));
      await store.registry.put(record("sess_7", { created_at: 0, last_activity_at: 0 }));
      const row = await store.checkpoints.save(checkpoint("sess_3"));
      await store.forks.create({ checkpoint: row.checkpoint, session: "sess_3", forked_session: "sess_7" });
      const keep = (id: string): string | null => (id === "sess_5" ? "it has not been saved yet" : null);
      const dry = await store.prune(policy({ sessionsKept: 4, keep, dryRun: true }));
      expect(dry.removed.map(({ id }) => id)).toEqual(["sess_1", "sess_4"]);
      const report = await store.prune(policy({ sessionsKept: 4, keep }));
      expect(report.removed.map(({ id }) => id)).toEqual(["sess_1", "sess_4"]);
      expect(report.kept.map(({ id }) => id)).toEqual(["sess_6", "sess_3", "sess_5"]);
      expect((await store.prune(policy({ sessionsKept: 4, keep }))).removed).toEqual([]);
      expect(store.registry.list().map(({ id }) => id)).toEqual(["sess_2", "sess_3", "sess_5", "sess_6", "sess_7"]);
    });

    it("one that was passed over stays, also when what kept it is over a moment later: another has gone in its place", async () => {
      for (const hours of [3, 2, 1]) await store.registry.put(exited(`sess_${4 - hours}`, clock.time - hours * (DAY / 24)));
      const asked: string[] = [];
      const keep = (id: string): string | null => {
        asked.push(id);
        return id === "sess_1" && asked.length === 1 ? "it has not been saved yet" : null;
      };
      const report = await store.prune(policy({ sessionsKept: 2, keep }));
      expect(report.removed.map(({ id }) => id)).toEqual(["sess_2"]);
      expect(report.kept).toEqual([{ id: "sess_1", reason: "it has not been saved yet" }]);
    });
  });
});
