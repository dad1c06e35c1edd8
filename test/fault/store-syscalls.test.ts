/**
 * The process dies, the power goes, or the disk refuses, at every single system call of a save, a rename, a delete, a compaction
 * and a removal. Users of other systems saw: half a JSON file, an index that named files that were not there, a checkpoint gone
 * because the only copy was deleted first. Here every reopen succeeds and what was acknowledged is there.
 */
import { describe, expect, it } from "vitest";
import { FileStore } from "../../src/persistence/file-store.js";
import type { Store } from "../../src/persistence/store.js";
import { figure, FULL, seeded } from "../support/figures.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import type { Fault } from "../support/simulated-disk.js";
import { ask, problemsOf } from "../support/store-ledger.js";
import type { Answer, Line, Step } from "../support/store-ledger.js";
import { Heard, record, TestClock } from "../support/stored.js";

const KEPT = 3;
const open = (files: SimulatedDisk, heard = new Heard()): Promise<FileStore> =>
  FileStore.open({
    directory: "/state/store",
    clock: new TestClock(),
    listener: heard,
    files,
    bounds: { periodicKept: KEPT, retryMs: 1, retryMaxMs: 1, stalledMs: 60_000 },
  });

function newDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  return disk;
}

/** One after another, so that the calls of a scenario are the same in each run. */
const scenarios: Record<string, (n: number, answers: Answer[]) => Step | null> = {
  "a save and a rename": steps([
    { do: "put", id: "sess_1", offset: 1 },
    { do: "put", id: "sess_1", offset: 2 },
    { do: "publish", id: "sess_1", seq: 1 },
    { do: "put", id: "sess_1", offset: 3 },
    { do: "publish", id: "sess_1", seq: 2 },
    { do: "publish", id: "sess_1", seq: 3 },
    { do: "archive", name: "a", tag: 1 },
    { do: "archive", name: "a", tag: 2 },
  ]),
  "checkpoints, thinned and deleted": steps([
    { do: "put", id: "sess_1", offset: 1 },
    { do: "save", id: "sess_1", kind: "manual", tag: 1, bytes: 300 },
    ...[2, 3, 4, 5, 6].map((tag): Step => ({ do: "save", id: "sess_1", kind: "periodic", tag, bytes: 10 })),
    (answers) => ({ do: "fork", id: "sess_1", checkpoint: String(answers[1]) }),
    (answers) => ({ do: "drop", checkpoint: String(answers[6]), of: "sess_1" }),
    (answers) => ({ do: "merge", fork: String(answers[7]) }),
    (answers) => ({ do: "drop", checkpoint: String(answers[1]), of: "sess_1" }),
    { do: "save", id: "sess_1", kind: "exit", tag: 7, bytes: 0 },
  ]),
  "a journal and its compaction": steps([
    { do: "create", agent: "a" },
    { do: "append", id: "jrnl_1", tag: 1, bytes: 10 },
    { do: "append", id: "jrnl_1", tag: 2, bytes: 2_000 },
    { do: "compact", id: "jrnl_1", tag: 1 },
    { do: "append", id: "jrnl_1", tag: 3, bytes: 1_048_000 },
    { do: "append", id: "jrnl_1", tag: 4, bytes: 10_000 },
    { do: "append", id: "jrnl_1", tag: 5, bytes: 5 },
    { do: "compact", id: "jrnl_1", tag: 2 },
    { do: "append", id: "jrnl_1", tag: 6, bytes: 5 },
  ]),
  "a removal": steps([
    { do: "put", id: "sess_1", offset: 1 },
    { do: "put", id: "sess_2", offset: 1 },
    { do: "save", id: "sess_1", kind: "manual", tag: 1, bytes: 50 },
    { do: "append", id: "sess_1", tag: 1, bytes: 10 },
    { do: "publish", id: "sess_1", seq: 1 },
    { do: "remove", id: "sess_1" },
    { do: "put", id: "sess_2", offset: 2 },
  ]),
};

function steps(list: (Step | ((answers: Answer[]) => Step))[]): (n: number, answers: Answer[]) => Step | null {
  return (n, answers) => {
    const step = list[n];
    return step === undefined ? null : typeof step === "function" ? step(answers) : step;
  };
}

/** Runs a scenario to its end or to the crash. */
async function play(
  disk: SimulatedDisk,
  next: (typeof scenarios)[string],
): Promise<{ lines: Line[]; crashed: boolean; store: Store | null }> {
  const lines: Line[] = [];
  let store: Store | null = null;
  const run = async (): Promise<"ended"> => {
    store = await open(disk);
    const answers: Answer[] = [];
    for (let n = 0, step = next(0, answers); step !== null; step = next(++n, answers)) {
      // What depends on an answer that never came is left out.
      answers.push(JSON.stringify(step).includes('"null"') ? null : await ask(store, n, step, (line) => lines.push(line)));
    }
    return "ended";
  };
  const end = await Promise.race([run(), disk.crashed]);
  return { lines, crashed: end === "crashed", store };
}

async function examine(disk: SimulatedDisk, lines: Line[], options: { crashed: boolean; powerCut: boolean }): Promise<string[]> {
  const store = await open(disk);
  const problems = await problemsOf(store, lines, { ...options, kept: KEPT });
  const temporary = [...disk.contents().keys()].filter((path) => path.includes("/.tmp-"));
  if (temporary.length > 0) problems.push(`temporary files are left: ${temporary.join(", ")}`);
  return problems;
}

/** What another life adds must be as durable as if nothing had happened before. */
async function goOn(disk: SimulatedDisk, lines: Line[]): Promise<string[]> {
  const store = await open(disk);
  const more: Line[] = [...lines];
  const write = (line: Line): void => void more.push(line);
  const session = store.registry.list()[0]?.id;
  if (session !== undefined) {
    await ask(store, 1_000, { do: "put", id: session, offset: 1_000 }, write);
    await ask(store, 1_001, { do: "append", id: session, tag: 1_001, bytes: 3 }, write);
    await ask(store, 1_002, { do: "save", id: session, kind: "manual", tag: 1_002, bytes: 3 }, write);
  }
  const journal = (await store.journals.list())[0]?.id;
  if (journal !== undefined) {
    await ask(store, 1_003, { do: "append", id: journal, tag: 1_003, bytes: 3 }, write);
    await ask(store, 1_004, { do: "compact", id: journal, tag: 1_004 }, write);
  }
  const refused = more.flatMap((line) => ("refused" in line && line.n >= 1_000 ? [line.refused] : []));
  return [...refused, ...(await examine(disk.afterPowerCut(), more, { crashed: true, powerCut: true }))];
}

describe.each(Object.entries(scenarios))("%s", (name, next) => {
  it("survives a crash and a power cut at every system call", async () => {
    const random = seeded(`crashes of ${name}`, 7);
    const whole = newDisk();
    const { store } = await play(whole, next);
    expect(store).not.toBeNull();
    const calls = whole.calls;
    let opened = 0;
    for (let at = 1; at <= calls + 1; at++) {
      const disk = newDisk();
      disk.plan = (call): Fault | undefined => (call === at ? "crash" : undefined);
      const { lines } = await play(disk, next);
      const cuts = [disk.afterCrash(), disk.afterPowerCut(), ...Array.from({ length: FULL ? 20 : 3 }, () => disk.afterPowerCut(random))];
      for (const [index, left] of cuts.entries()) {
        const problems = await examine(left, lines, { crashed: true, powerCut: index > 0 });
        expect(problems, `call ${at} of ${calls}, case ${index}`).toEqual([]);
        opened++;
      }
      expect(await goOn(disk.afterCrash(), lines), `going on after a crash at call ${at}`).toEqual([]);
      expect(await goOn(disk.afterPowerCut(random), lines), `going on after a power cut at call ${at}`).toEqual([]);
    }
    figure(`system calls of ${name}`, calls);
    figure(`reopened`, opened);
  });

  it.each([
    ["ENOSPC", { error: "ENOSPC" }],
    ["EIO", { error: "EIO" }],
    ["a short write", { short: 1 }],
  ] satisfies [string, Fault][])("goes on or refuses by name after %s at every system call", async (_fault, fault) => {
    const whole = newDisk();
    const opening = newDisk();
    await open(opening);
    await play(whole, next);
    for (let at = opening.calls + 1; at <= whole.calls; at++) {
      const disk = newDisk();
      disk.plan = (call): Fault | undefined => (call === at ? fault : undefined);
      const { lines, store } = await play(disk, next);
      if (store === null) throw new Error("the store did not open");
      disk.plan = () => undefined;
      expect((await store.drain(5_000)).not_saved).toEqual([]);
      for (const [index, left] of [disk.afterCrash(), disk.afterPowerCut()].entries()) {
        const problems = await examine(left, lines, { crashed: false, powerCut: index > 0 });
        expect(problems, `call ${at} of ${whole.calls}, case ${index}`).toEqual([]);
      }
      for (const line of lines)
        if ("refused" in line) expect(line.refused).toMatch(/^(STORE_FULL|UNAVAILABLE|NOT_FOUND|BUSY|INVALID_PARAMS)/);
    }
  });

  it("comes back when the disk refuses every second call for a while", async () => {
    const disk = newDisk();
    const heard = new Heard();
    const store = await open(disk, heard);
    let refusals = 60;
    disk.plan = (call, operation): Fault | undefined =>
      operation !== "inspect" && call % 2 === 0 && refusals-- > 0 ? { error: "EIO" } : undefined;
    await store.registry.put(record("sess_1", { offset: 5 }));
    expect((await store.drain(5_000)).not_saved).toEqual([]);
    expect(heard.words[0]).toMatch(/^degraded: EIO/);
    expect(heard.words.at(-1)).toBe("ok");
    expect((await (await open(disk.afterPowerCut())).registry.get("sess_1")).offset).toBe(5);
  });
});
