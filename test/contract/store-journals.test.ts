/** Journals, thoughts and documents of both stores. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalRead, Store } from "../../src/persistence/store.js";
import { checkLeaks } from "../support/leaks.js";
import { named, subjects } from "../support/store-subjects.js";
import type { Subject } from "../support/store-subjects.js";
import { record, TestClock } from "../support/stored.js";

checkLeaks();

describe.each(subjects)("journals and thoughts in %s", (_name, make) => {
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

  describe("journals", () => {
    it("get-or-create finds the newest of exactly the pair", async () => {
      const open = (agent: string, created_by: string): Promise<string> =>
        store.journals.open({ agent, created_by }).then(({ head }) => head.id);
      const [first, again] = await Promise.all([open("a/b", "me"), open("a/b", "me")]);
      expect(again).toBe(first);
      expect(await open("a-b", "me")).not.toBe(first);
      expect(await open("a/b", "Me")).not.toBe(first);
      const second = await store.journals.create({ agent: "a/b", created_by: "me", title: "two" });
      expect(await open("a/b", "me")).toBe(second.id);
      await reopen();
      expect(await open("a/b", "me")).toBe(second.id);
      expect((await store.journals.latest({ agent: "a/b", created_by: "me" })).title).toBe("two");
      await expect(store.journals.latest({ agent: "nobody", created_by: "me" })).rejects.toThrow(named("NOT_FOUND"));
      expect((await store.journals.list()).map(({ id }) => id)).toEqual(["jrnl_4", "jrnl_3", "jrnl_2", "jrnl_1"]);
    });

    it("numbers entries from 1 in the order of the calls, and goes on after a restart", async () => {
      await store.registry.put(record("sess_1"));
      const appended = await Promise.all(
        Array.from({ length: 100 }, (_, index) => store.journals.append("sess_1", { kind: "note", data: { index } })),
      );
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
      await expect(store.journals.append(id, { kind: "note", data: 1, from: 99 })).rejects.toThrow(named("INVALID_PARAMS"));
      await expect(store.journals.append(id, { kind: "compact" as never, data: 1 })).rejects.toThrow(named("INVALID_PARAMS"));
      await expect(store.journals.append(id, { kind: "note", data: "x".repeat(1024 * 1024) })).rejects.toThrow(named("LIMIT"));
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
      await Promise.all(
        Array.from({ length: 25 }, (_, index) =>
          store.journals.append(id, { kind: "note", data: index, ...(index % 3 === 0 ? { branch: "x" } : {}) }),
        ),
      );
      const all: number[] = [];
      for (let since = 1, more = true; more;) {
        const page = await store.journals.read(id, { since, limit: 7 });
        all.push(...page.entries.map(({ seq }) => seq));
        ({ next: since, more } = page);
      }
      expect(all).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
      const branch = await store.journals.read(id, { branch: "x", limit: 4 });
      expect(branch.entries.map(({ seq }) => seq)).toEqual([1, 4, 7, 10]);
      expect((await store.journals.read(id, { branch: "x", limit: 4, since: branch.next })).entries.map(({ seq }) => seq)).toEqual([
        13, 16, 19, 22,
      ]);
      expect((await store.journals.read(id, { since: 999 })).entries).toEqual([]);
    });

    it("has a title and a summary, and a time of creation that never changes", async () => {
      const made = await store.journals.create({ agent: "a", created_by: "b" });
      clock.time -= 3_600_000;
      await store.journals.update(made.id, { title: "new", summary: "long" });
      await store.journals.append(made.id, { kind: "note", data: 1 });
      await reopen();
      expect(await store.journals.get(made.id)).toMatchObject({
        title: "new",
        summary: "long",
        created_at: made.created_at,
        agent: "a",
        created_by: "b",
      });
      expect(await store.journals.remove(made.id)).toBe(true);
      expect(await store.journals.remove(made.id)).toBe(false);
      await expect(store.journals.read(made.id)).rejects.toThrow(named("NOT_FOUND"));
      expect((await store.journals.create({ agent: "a", created_by: "b" })).id).toBe("jrnl_2");
    });
  });

  describe("thoughts", () => {
    beforeEach(() => store.registry.put(record("sess_1")));
    const from = (stream: string, seq: number, text = `${stream} ${seq}`): Parameters<Store["thoughts"]["publish"]>[1] => ({
      text,
      stream_instance_id: stream,
      emission_seq: seq,
    });

    it("are taken when their stream is new or their number greater, also after a restart", async () => {
      const accepted = (stream: string, seq: number): boolean => store.thoughts.publish("sess_1", from(stream, seq)).accepted;
      expect([accepted("a", 5), accepted("a", 5), accepted("a", 4), accepted("a", 9), accepted("b", 1), accepted("b", 1)]).toEqual([
        true,
        false,
        false,
        true,
        true,
        false,
      ]);
      await reopen();
      expect([accepted("b", 1), accepted("b", 2)]).toEqual([false, true]);
      expect(store.thoughts.get("sess_1")).toMatchObject({ text: "b 2", watermark: { stream_instance_id: "b", emission_seq: 2 } });
    });

    it("carry on what an update does not say", async () => {
      store.thoughts.publish("sess_1", { text: "reads", objective_fingerprint: "f1", token_count: 7, updated_at: 100, action_cues: ["a"] });
      store.thoughts.publish("sess_1", { text: "writes", updated_at: 200 });
      expect(store.thoughts.get("sess_1")).toMatchObject({
        text: "writes",
        objective_fingerprint: "f1",
        objective_changed_at: 100,
        token_count: 7,
        updated_at: 200,
      });
      store.thoughts.publish("sess_1", { text: "tests", objective_fingerprint: "f2", updated_at: 300 });
      store.thoughts.publish("sess_1", { text: "Sleeping.", source: "static_sleeping", objective_fingerprint: "f2", updated_at: 400 });
      await reopen();
      expect(store.thoughts.get("sess_1")).toMatchObject({
        text: "tests",
        state: "sleeping",
        objective_changed_at: 300,
        updated_at: 400,
        source: "static_sleeping",
      });
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
});
