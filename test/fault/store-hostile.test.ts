/**
 * Names that want to be paths, links that lead elsewhere, files that say they are something else: refused, and nothing on the disk
 * is different afterwards.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "../../src/persistence/file-store.js";
import { checkLeaks } from "../support/leaks.js";
import { checkpoint, exited, Heard, record, TestClock } from "../support/stored.js";

checkLeaks();

const hostile = [
  "..",
  "",
  ".",
  "/",
  "a/../..",
  "/etc/passwd",
  "a\0b",
  "x".repeat(300),
  "CON",
  "sеss_1",
  "sess_1/../sess_2",
  "sess_01",
  "sess_0",
  "sess_1 ",
  "sess_1\n",
  "..\\..",
  "％2e％2e",
  "sess_99999999999999999999",
  "~",
  "-rf",
];
/** Those that are a label all the same. */
const harmless = new Set(["sess_01", "sess_0", "-rf", "sess_99999999999999999999"]);

/** Everything below a directory: kinds, modes, contents. */
function treeHash(directory: string): string {
  const hash = createHash("sha256");
  const walk = (path: string): void => {
    for (const name of readdirSync(path).toSorted()) {
      const full = join(path, name);
      const stat = lstatSync(full);
      hash.update(`${full} ${stat.mode}\n`);
      if (stat.isSymbolicLink()) hash.update(readlinkSync(full));
      else if (stat.isDirectory()) walk(full);
      else hash.update(readFileSync(full));
    }
  };
  walk(directory);
  return hash.digest("hex");
}

let root: string;
let directory: string;
let outside: string;
let store: FileStore;
let heard: Heard;
const open = (): Promise<FileStore> => FileStore.open({ directory, clock: new TestClock(), listener: (heard = new Heard()) });

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "lg-hostile-"));
  directory = join(root, "store");
  outside = join(root, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "record.1"), "precious");
  store = await open();
  await store.registry.put(record("sess_1"));
  await store.registry.put(exited("sess_2", 1));
});
afterEach(async () => {
  await store.drain(1_000);
  await store.close();
  rmSync(root, { recursive: true });
});

const refusals = async (call: () => unknown): Promise<string> => {
  try {
    await call();
    return "taken";
  } catch (error) {
    return error instanceof Error ? error.name : "?";
  }
};

describe("ids, names, labels and branches", () => {
  it.each(hostile)("%j is refused by every method that takes one, and nothing is touched", async (word) => {
    const uuid = (await store.checkpoints.save(checkpoint("sess_1"))).checkpoint;
    await store.journals.append("sess_1", { kind: "note", data: 1 });
    const before = treeHash(root);
    const ids: Record<string, () => unknown> = {
      get: () => store.registry.get(word),
      has: () => store.registry.has(word),
      put: () => store.registry.put(record(word, { name: "fine" })),
      remove: () => store.registry.remove(word),
      save: () => store.checkpoints.save(checkpoint(word)),
      list: () => store.checkpoints.list(word),
      latest: () => store.checkpoints.latest(word),
      getCheckpoint: () => store.checkpoints.get(word),
      removeCheckpoint: () => store.checkpoints.remove(word),
      removeAll: () => store.checkpoints.removeAll(word),
      parent: () => store.checkpoints.save(checkpoint("sess_1", { parent: word })),
      parentOfRecord: () => store.registry.put(record("sess_1", { parent_checkpoint: word, offset: 9 })),
      fork: () => store.forks.create({ checkpoint: word, session: "sess_1", forked_session: "sess_9" }),
      forkOf: () => store.forks.create({ checkpoint: uuid, session: word, forked_session: "sess_9" }),
      forked: () => store.forks.create({ checkpoint: uuid, session: "sess_1", forked_session: word }),
      forks: () => store.forks.list(word),
      getFork: () => store.forks.get(word),
      updateFork: () => store.forks.update(word, "merged"),
      status: () => store.forks.update(randomUUID(), word as never),
      journal: () => store.journals.get(word),
      append: () => store.journals.append(word, { kind: "note", data: 1 }),
      read: () => store.journals.read(word),
      compact: () => store.journals.compact(word, { archive: "a" }),
      update: () => store.journals.update(word, { title: "t" }),
      removeJournal: () => store.journals.remove(word),
      kind: () => store.journals.append("sess_1", { kind: word as never, data: 1 }),
      publish: () => store.thoughts.publish(word, { text: "t" }),
      thought: () => store.thoughts.get(word),
    };
    const labels: Record<string, () => unknown> = {
      name: () => store.registry.put(record("sess_1", { name: word, offset: 9 })),
      label: () => store.checkpoints.save(checkpoint("sess_1", { label: word })),
      branch: () => store.journals.append("sess_1", { kind: "note", data: 1, branch: word }),
      readBranch: () => store.journals.read("sess_1", { branch: word }),
      archive: () => store.journals.compact("sess_1", { archive: word }),
      putArchive: () => store.archives.put(word, "text"),
      getArchive: () => store.archives.get(word),
    };
    for (const [method, call] of Object.entries(ids))
      expect([method, await refusals(call)]).toEqual([method, expect.stringMatching(/INVALID_PARAMS|NOT_FOUND/)]);
    if (!harmless.has(word))
      for (const [method, call] of Object.entries(labels)) expect([method, await refusals(call)]).toEqual([method, "INVALID_PARAMS"]);
    await store.drain(1_000);
    expect(treeHash(root)).toBe(before);
  });

  it("agents may be called anything printable: no part of a path is made of it", async () => {
    const names = ["a/b", "a-b", "..", "/etc", "CON", "аdmin", "admin"];
    const made = new Set<string>();
    for (const agent of names) made.add((await store.journals.open({ agent, created_by: ".." })).head.id);
    expect(made.size).toBe(names.length);
    expect(readdirSync(join(directory, "journals")).toSorted()).toEqual([...made].toSorted());
    expect(await refusals(() => store.journals.open({ agent: "a\nb", created_by: "x" }))).toBe("INVALID_PARAMS");
    expect(await refusals(() => store.journals.open({ agent: "", created_by: "x" }))).toBe("INVALID_PARAMS");
  });
});

describe("links", () => {
  const sessionDirectory = (id: string): string => join(directory, "sessions", id);

  it("a session's directory that became a link is neither read nor written through", async () => {
    await store.checkpoints.save(checkpoint("sess_1"));
    await store.drain(1_000);
    renameSync(sessionDirectory("sess_1"), join(root, "moved"));
    cpSync(join(root, "moved"), join(outside, "copy"), { recursive: true });
    symlinkSync(join(outside, "copy"), sessionDirectory("sess_1"));
    const before = treeHash(outside);
    expect(await refusals(() => store.registry.put(record("sess_1", { offset: 5 })))).toBe("FORBIDDEN");
    expect(await refusals(() => store.checkpoints.save(checkpoint("sess_1")))).toBe("FORBIDDEN");
    expect(await refusals(() => store.checkpoints.latest("sess_1"))).toBe("FORBIDDEN");
    expect(await refusals(() => store.journals.append("sess_1", { kind: "note", data: 1 }))).toBe("FORBIDDEN");
    expect(await refusals(() => store.registry.remove("sess_1"))).toBe("FORBIDDEN");
    expect(treeHash(outside)).toBe(before);
    await store.close();
    store = await open();
    expect(store.registry.list().map(({ id }) => id)).toEqual(["sess_2"]);
    expect(store.recovery.foreign).toContain("sessions/sess_1");
    expect(store.ids.next("session")).toBe(3);
    expect(treeHash(outside)).toBe(before);
  });

  it("links in place of files and directories of ours are reported and left alone", async () => {
    mkdirSync(sessionDirectory("sess_3"));
    symlinkSync(outside, join(sessionDirectory("sess_3"), "checkpoints"));
    symlinkSync(join(outside, "record.1"), join(sessionDirectory("sess_1"), "record.9"));
    symlinkSync(outside, join(directory, "journals", "jrnl_4"));
    symlinkSync(outside, join(sessionDirectory("sess_2"), "checkpoints"));
    const before = treeHash(outside);
    await store.close();
    store = await open();
    expect(store.recovery.foreign.toSorted()).toEqual(
      [
        "journals/jrnl_4",
        "sessions/sess_1/record.9",
        "sessions/sess_2/checkpoints",
        "sessions/sess_3",
        "sessions/sess_3/checkpoints",
      ].toSorted(),
    );
    expect((await store.registry.get("sess_2")).id).toBe("sess_2");
    expect(await refusals(() => store.checkpoints.save(checkpoint("sess_2")))).toBe("FORBIDDEN");
    expect((await store.registry.get("sess_1")).id).toBe("sess_1");
    expect(treeHash(outside)).toBe(before);
  });

  it("quarantine that leads elsewhere takes nothing: the damaged file stays, and is named", async () => {
    await store.close();
    symlinkSync(outside, join(directory, "quarantine"));
    writeFileSync(join(sessionDirectory("sess_1"), "record.9"), "rubbish");
    const before = treeHash(outside);
    store = await open();
    expect((await store.registry.get("sess_1")).id).toBe("sess_1");
    expect(store.status().damaged.find(({ path }) => path === "sessions/sess_1/record.9")?.reason).toMatch(/could not be moved/);
    expect(existsSync(join(sessionDirectory("sess_1"), "record.9"))).toBe(true);
    expect(treeHash(outside)).toBe(before);
  });

  it("the store itself may not be one", async () => {
    symlinkSync(outside, join(root, "link"));
    await expect(FileStore.open({ directory: join(root, "link"), clock: new TestClock(), listener: new Heard() })).rejects.toMatchObject({
      name: "FORBIDDEN",
    });
  });
});

describe("what is not ours", () => {
  it("stays when its surroundings are deleted, and is reported", async () => {
    await store.checkpoints.save(checkpoint("sess_2"));
    const foreign = join(directory, "sessions", "sess_2", "checkpoints", "notes.txt");
    writeFileSync(foreign, "mine");
    mkdirSync(join(directory, "sessions", "backup"));
    await store.close();
    store = await open();
    expect(store.recovery.foreign.toSorted()).toEqual(["sessions/backup", "sessions/sess_2/checkpoints/notes.txt"]);
    expect(await store.checkpoints.removeAll("sess_2")).toBe(1);
    expect(await store.registry.remove("sess_2")).toBe(true);
    expect(readFileSync(foreign, "utf8")).toBe("mine");
    await store.close();
    store = await open();
    expect(store.registry.list().map(({ id }) => id)).toEqual(["sess_1"]);
    expect(store.ids.next("session")).toBe(3);
    const report = await store.prune({
      olderThanMs: 0,
      sessionsKept: 1,
      periodicKept: 1,
      sessionBytes: 0,
      allBytes: 0,
      dryRun: false,
      keep: () => null,
    });
    expect(report.foreign).toContain("sessions/backup");
    expect(existsSync(join(directory, "sessions", "backup"))).toBe(true);
    expect(readFileSync(foreign, "utf8")).toBe("mine");
  });

  it("a record that names another session is not believed, and the other is untouched", async () => {
    const from = join(directory, "sessions", "sess_2");
    const newest = readdirSync(from).find((name) => name.startsWith("record.")) ?? "";
    cpSync(join(from, newest), join(directory, "sessions", "sess_1", "record.99"));
    const row = await store.checkpoints.save(checkpoint("sess_2"));
    await store.close();
    mkdirSync(join(directory, "sessions", "sess_1", "checkpoints"), { recursive: true });
    cpSync(join(from, "checkpoints", `c1m.${row.checkpoint}`), join(directory, "sessions", "sess_1", "checkpoints", `c7m.${randomUUID()}`));
    // An index that names a file elsewhere.
    cpSync(join(from, "checkpoints.index"), join(directory, "sessions", "sess_1", "checkpoints.index"));
    store = await open();
    expect((await store.registry.get("sess_1")).id).toBe("sess_1");
    expect(await store.checkpoints.list("sess_1")).toEqual([]);
    expect((await store.checkpoints.list("sess_2")).map(({ checkpoint: uuid }) => uuid)).toEqual([row.checkpoint]);
    expect(heard.damages.map(({ kind }) => kind).toSorted()).toEqual(["checkpoint", "session"]);
    expect(store.status().damaged.every((damage) => damage.quarantined_to !== undefined)).toBe(true);
  });
});
