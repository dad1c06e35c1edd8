import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { figure, sample } from "../support/figures.js";
import { checkLeaks } from "../support/leaks.js";
import { LineChecker, endlessNumberedLines, numberedLines } from "../support/numbered-lines.js";
import { PoolRig, screenAfter } from "../support/pool-rig.js";
import { waitUntil } from "../support/wait.js";

process.env["LIFEGUARD_FAULTS"] = "1";
checkLeaks();

let rig: PoolRig;
const open = async (options: ConstructorParameters<typeof PoolRig>[0] = {}): Promise<PoolRig> => {
  rig = new PoolRig(options);
  await rig.pool.open();
  return rig;
};
afterEach(async () => await rig.end());

const sh = (script: string) => ({ command: "/bin/sh", args: ["-c", script] });
const cat = { command: "/bin/cat", args: [] };
const offsetOf = async (id: string): Promise<number> => (await rig.pool.call(id, "watch", null)).offset;

/** Checks every byte of numbered lines that is held, and says up to where. */
async function checkLines(id: string): Promise<{ end: number; start: number }> {
  const { start, bytes, gap } = await rig.readAll(id);
  const checker = new LineChecker(start);
  checker.take(bytes);
  expect(checker.end()).toBe(null);
  expect(gap).toBe(start);
  return { start, end: checker.offset };
}

describe("one actor", () => {
  it("runs a session from output to screen, and its end takes everything with it", async () => {
    await open();
    const session = await rig.run(sh("printf 'hello\\r\\n'; exec cat"));
    await waitUntil("the greeting", async () => (await rig.text(session.id)).includes("hello"));
    expect(await rig.pool.call(session.id, "input", Buffer.from("typed\n"))).toEqual({ accepted: 6 });
    await waitUntil("the echo", async () => (await rig.text(session.id)).includes("typed\ntyped"));
    await rig.pool.call(session.id, "resize", { cols: 100, rows: 30 });
    const screen = await rig.pool.call(session.id, "screen", { format: "text", scrollback: 0 });
    expect([screen.cols, screen.rows, screen.epoch]).toEqual([100, 30, 1]);
    await rig.pool.stop(session.id);
    await expect(rig.pool.call(session.id, "nudge")).rejects.toMatchObject({ name: "NOT_FOUND" });
    const again = await rig.pool.render({
      id: session.id,
      epoch: 1,
      directory: session.start.directory,
      request: { format: "text", scrollback: 0 },
      size: session.start.size,
      historyLines: 100,
      offset: screen.offset,
      checkpoint: null,
    });
    expect(again.whole).toBe(true);
    expect(again.content).toBe(screen.content);
    expect(again.offset).toBe(screen.offset);
  });

  it("takes all that a process wrote before it ended, and no more is read", async () => {
    await open();
    for (let i = 0; i < 20; i++) {
      const session = await rig.run(numberedLines(3_000, { hold: true }));
      const lines = 3_000 * 17;
      await waitUntil("some output", async () => (await offsetOf(session.id)) > 0);
      await waitUntil("all of it written", async () => (await rig.pool.call(session.id, "drain")).offset === lines);
      expect((await checkLines(session.id)).end).toBe(lines);
      await rig.pool.stop(session.id);
      expect(existsSync(`${session.start.directory}/snapshot`)).toBe(true);
    }
  });

  it("takes what fits of input for a program that does not read, and stays responsive", async () => {
    await open();
    const session = await rig.run(sh("stty raw -echo; printf ready; exec sleep 1000000"));
    await waitUntil("raw mode", async () => (await rig.text(session.id)).includes("ready"));
    let accepted = 0;
    for (let i = 0; i < 40; i++) accepted += (await rig.pool.call(session.id, "input", Buffer.alloc(16_384, 120))).accepted;
    expect(accepted).toBeGreaterThanOrEqual(262_144);
    expect(accepted).toBeLessThan(262_144 + 200_000);
    // The kernel moves what it has taken on to the terminal's own buffer in its own time, and has room for a little more then.
    await waitUntil(
      "input to be refused",
      async () => (await rig.pool.call(session.id, "input", Buffer.alloc(16_384, 120))).accepted === 0,
    );
    const refusal = await waitUntil("a paste to be refused", () =>
      rig.pool.call(session.id, "paste", "x").then(
        () => null,
        (error: unknown) => error,
      ),
    );
    expect(refusal).toMatchObject({ name: "BUSY", data: { accepted: 0 } });
    const before = process.cpuUsage();
    const began = performance.now();
    await waitUntil("half a second", () => performance.now() - began > 500);
    const used = process.cpuUsage(before);
    const ms = performance.now() - began;
    figure("CPU while input waits for a program that does not read", ((used.user + used.system) / 1_000 / ms) * 100, "%");
  });

  it("errors arrive whole, and a full mailbox is BUSY", async () => {
    await open();
    const session = await rig.run(cat);
    await expect(rig.pool.call("sess_99", "nudge")).rejects.toMatchObject({ name: "NOT_FOUND", data: { id: "sess_99" } });
    const results = await Promise.allSettled(Array.from({ length: 400 }, async () => await rig.pool.call(session.id, "read", 0, 1)));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBe(400 - 256);
    expect(refused.every((result) => (result.reason as { name: string }).name === "BUSY")).toBe(true);
  });

  it("is parked when quiet, and comes back unchanged", async () => {
    await open();
    const session = await rig.run(sh("printf '\\033]2;a title\\007\\033[?1049h\\033[3;4Hhere'; exec cat"), { parkAfterMs: 200 });
    await waitUntil("the text", async () => (await rig.text(session.id)).includes("here"));
    const before = await rig.pool.call(session.id, "screen", { format: "ansi", scrollback: 0 });
    await waitUntil("the terminal to be parked", async () => (await rig.pool.vitals()).some((vitals) => vitals.parked === 1));
    const after = await rig.pool.call(session.id, "screen", { format: "ansi", scrollback: 0 });
    expect(after).toEqual(before);
    expect(after.title).toBe("a title");
    expect(after.alternate).toBe(true);
  });

  it("stays parked while whole lines come, is busy all the same, and shows them", async () => {
    await open();
    // Where the terminal makes CR LF of LF, the kernel now and then hands the line over before its end: half a line is none.
    const lines =
      "stty -opost; i=0; while [ $i -lt 20 ]; do printf 'line %d\\r\\n' $i; i=$((i+1)); sleep 0.1; done; printf 'the end'; exec cat";
    const session = await rig.run(sh(lines), { parkAfterMs: 200 });
    const seen = new Set<number>();
    await waitUntil("fifteen of them", async () => {
      for (const vitals of await rig.pool.vitals()) if (vitals.actors > 0) seen.add(vitals.parked);
      return (await rig.readAll(session.id)).bytes.includes("line 14");
    });
    expect([...seen]).toEqual([1]);
    expect(rig.events).toContainEqual(
      expect.objectContaining({ type: "state", state: "busy", evidence: expect.objectContaining({ rule: "output_lately" }) }),
    );
    await waitUntil("the end", async () => (await rig.text(session.id)).endsWith("the end"));
    expect(await rig.text(session.id)).toBe([...Array.from({ length: 20 }, (_, i) => `line ${i}`), "the end"].join("\n"));
  });
});

describe("watching", () => {
  it("gets every byte once, in order, and nothing beyond its credit", async () => {
    await open();
    const session = rig.spawn(numberedLines(200_000, { hold: true }), { spoolBytes: 8_388_608, spoolBusyBytes: 8_388_608 });
    const checker = new LineChecker(0);
    let most = 0;
    let credited = 0;
    rig.onEvent = (event) => {
      if (event.type !== "output") return;
      checker.take(event.data, event.offset);
      most = Math.max(most, checker.offset - credited);
    };
    await rig.start(session);
    await rig.pool.call(session.id, "watch", 0);
    await waitUntil("all output", async () => {
      credited = checker.offset;
      await rig.pool.call(session.id, "credit", credited);
      return checker.offset === 200_000 * 17;
    });
    expect(checker.end()).toBe(null);
    expect(most).toBeLessThanOrEqual(262_144 + 65_536);
  });
});

describe("a lost thread", () => {
  const cases = [
    { fault: "throw", heapMib: 512 },
    { fault: "heap", heapMib: 64 },
  ] as const;
  for (const { fault, heapMib } of cases) {
    it(`loses no byte of flooding sessions (${fault})`, async () => {
      await open({ heapMib });
      // Never quiet: a spool that shrinks between two reads of it has a gap there, as it should.
      const floods = await Promise.all(
        Array.from({ length: 8 }, async () => await rig.run(endlessNumberedLines(), { parkAfterMs: 3_600_000 })),
      );
      const deaths = sample(`thread deaths by ${fault} under 8 floods`, 16, 4);
      for (let death = 1; death <= deaths; death++) {
        const victim = floods[death % floods.length];
        if (victim === undefined) throw new Error("no victim");
        await waitUntil("its actor", () => rig.pool.has(victim.id));
        await rig.fault(victim.id, fault);
        await rig.lossCount(death);
        await rig.recovered();
      }
      expect(rig.losses.length).toBe(deaths);
      // A read that fills the page is followed by another in the same place: a thread that can still do so leaves off reading first.
      if (fault === "throw") expect(rig.leftInPages).toEqual(Array.from({ length: deaths }, () => 0));
      for (const flood of floods) await waitUntil(`${flood.id} to be back`, () => rig.pool.has(flood.id));
      for (const flood of floods) process.kill(flood.pid, "SIGSTOP");
      for (const flood of floods) {
        await rig.pool.call(flood.id, "drain");
        const { start, end } = await checkLines(flood.id);
        expect(end - start).toBeGreaterThan(1_000_000);
        const { bytes } = await rig.readAll(flood.id);
        expect(await rig.text(flood.id)).toBe(screenAfter(bytes));
      }
      figure("starts that met another death", rig.failedStarts.length);
    }, 600_000);
  }

  it("gives the screen back as a terminal that saw every byte shows it", async () => {
    await open();
    const session = await rig.run(
      sh(
        `i=0; while [ $i -lt 300 ]; do printf '\\033[%dm%d line\\033[K\\r\\n' $((31 + i % 6)) $i; i=$((i+1)); done; printf '\\033[5;10Hdone'; exec cat`,
      ),
    );
    await waitUntil("the last text", async () => (await rig.text(session.id)).includes("done"));
    await rig.fault(session.id, "throw");
    await rig.lossCount(1);
    await rig.recovered();
    const { bytes } = await rig.readAll(session.id);
    expect(await rig.text(session.id)).toBe(screenAfter(bytes));
    const ready = rig.events.filter((event) => event.type === "ready").at(-1);
    expect(ready).toMatchObject({ recovery: { from: "worker", lostBytes: 0 } });
  });

  it("rejects what was asked of it at once, not at the deadline", async () => {
    await open({ deadlineMs: 60_000 });
    const session = await rig.run(cat);
    await rig.fault(session.id, "throw");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20_000 }, async (_, i) => {
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
        await rig.pool.call(session.id, "read", 0, 1);
      }),
    );
    const names = new Set(
      outcomes.filter((outcome) => outcome.status === "rejected").map((outcome) => (outcome.reason as { name: string }).name),
    );
    names.delete("BUSY");
    names.delete("NOT_FOUND");
    expect([...names].filter((name) => name !== "UNAVAILABLE")).toEqual([]);
    await rig.lossCount(1);
    await rig.recovered();
  });

  it("a poisoned session: first all, then it alone, then it goes on without a terminal", async () => {
    await open();
    const sessions = await Promise.all(Array.from({ length: 10 }, async () => await rig.run(cat)));
    const poisoned = sessions[3];
    if (poisoned === undefined) throw new Error("no session");
    for (let death = 1; death <= 3; death++) {
      await rig.pool.call(poisoned.id, "input", Buffer.from("x"));
      await rig.fault(poisoned.id, "throw");
      await rig.lossCount(death);
      await rig.recovered();
    }
    expect(rig.losses.map((loss) => loss.suspect)).toEqual([poisoned.id, poisoned.id, poisoned.id]);
    expect(rig.losses[2]?.sessions).toEqual([poisoned.id]);
    expect(rig.restarts.filter((restart) => restart.counted).map((restart) => [restart.isolation, restart.terminal])).toEqual([
      ["shared", true],
      ["thread", true],
      ["thread", false],
    ]);
    await rig.pool.call(poisoned.id, "input", Buffer.from("still here\n"));
    await waitUntil("its output", async () => (await rig.readAll(poisoned.id)).bytes.includes("still here"));
    await expect(rig.text(poisoned.id)).rejects.toMatchObject({ name: "UNAVAILABLE" });
    for (const session of sessions) if (session !== poisoned) expect(await rig.text(session.id)).toBeTypeOf("string");
  });

  it("an error inside one actor stays in it: its terminal is rebuilt, then given up", async () => {
    await open();
    const session = await rig.run(sh("printf begin; exec cat"));
    const other = await rig.run(cat);
    await waitUntil("its output", async () => (await rig.text(session.id)).includes("begin"));
    for (let i = 1; i <= 3; i++) {
      await rig.pool.call(session.id, "fault", "throw-in-actor");
      await rig.pool.call(session.id, "input", Buffer.from(`n${i}\n`));
      await waitUntil("the echo", async () => (await rig.readAll(session.id)).bytes.includes(`n${i}\r\nn${i}`));
      if (i < 3) await waitUntil("the screen", async () => (await rig.text(session.id)).includes(`n${i}\nn${i}`));
    }
    await expect(rig.text(session.id)).rejects.toMatchObject({ name: "UNAVAILABLE" });
    expect(rig.events.some((event) => event.type === "health" && event.id === session.id && event.health === "degraded")).toBe(true);
    expect(await rig.text(other.id)).toBe("");
    expect(rig.losses).toEqual([]);
  });
});

describe("a broken chain", () => {
  it("says what is missing between snapshot and spool, and makes the program redraw", async () => {
    await open();
    const bound = { spoolBytes: 65_536, spoolBusyBytes: 65_536 };
    const session = rig.spawn(sh("trap 'printf redrawn' WINCH; printf begin; while :; do read x; done"), bound);
    await rig.start(session);
    await waitUntil("its output", async () => (await rig.text(session.id)).includes("begin"));
    await rig.pool.stop(session.id);
    // What a keeper takes while no daemon is there: more than the spool holds.
    rig.takeAs(session, 200_000);
    await rig.start(session, { fresh: false, continues: "daemon" });
    const ready = rig.events.filter((event) => event.type === "ready").at(-1);
    expect(ready).toMatchObject({ offset: 200_005, recovery: { from: "daemon", lostBytes: 200_005 - 65_536 - 5 } });
    await waitUntil("the redraw", async () => (await rig.text(session.id)).includes("redrawn"));
    const health = rig.events.filter((event) => event.type === "health" && event.id === session.id).at(-1);
    expect(health).toMatchObject({ health: "degraded" });
  });
});

describe("the pool", () => {
  it("says when a thread does not answer, and when it does again", async () => {
    await open();
    const session = await rig.run(cat);
    await rig.pool.call(session.id, "fault", "hang");
    await waitUntil("unresponsive", () => rig.unresponsive.some((said) => said.is && said.sessions.includes(session.id)));
    await waitUntil("responsive again", () => rig.unresponsive.at(-1)?.is === false);
    expect(rig.losses).toEqual([]);
  });

  it("refuses more than it may hold, and closes the descriptor it was given", async () => {
    await open({ maxSessions: 2 });
    await rig.run(cat);
    await rig.run(cat);
    const third = rig.spawn(cat);
    await expect(rig.start(third)).rejects.toMatchObject({ name: "LIMIT" });
    const first = rig.sessions.get("sess_1");
    if (first === undefined) throw new Error("no session");
    await expect(rig.start(first)).rejects.toMatchObject({ name: "ALREADY_EXISTS" });
  });

  it("an actor that cannot begin is an error of its start", async () => {
    await open();
    const session = rig.spawn(cat);
    await expect(rig.start(session, { directory: "/nonexistent" })).rejects.toMatchObject({ name: "UNAVAILABLE" });
    await rig.start(session);
  });

  it("starts 200 actors", async () => {
    await open();
    const count = 200;
    const sessions = Array.from({ length: count }, () => rig.spawn(cat));
    const began = performance.now();
    await Promise.all(sessions.map(async (session) => await rig.start(session)));
    figure(`start of ${count} actors`, performance.now() - began, "ms");
    const threads = rig.pool.threads();
    expect(threads.map((thread) => thread.actors)).toEqual([count / 2, count / 2]);
    const stopping = performance.now();
    await Promise.all(sessions.map(async (session) => await rig.pool.stop(session.id)));
    figure(`stop of ${count} actors`, performance.now() - stopping, "ms");
    expect(rig.pool.threads().every((thread) => thread.actors === 0)).toBe(true);
  });

  it("takes what a flooding session writes", async () => {
    await open();
    const session = rig.spawn(sh("stty -opost; exec yes 'the quick brown fox jumps over the lazy dog, again and again'"));
    const before = process.cpuUsage();
    const began = performance.now();
    await rig.start(session);
    await waitUntil("two seconds", () => performance.now() - began > 2_000);
    const { offset } = await rig.pool.call(session.id, "drain");
    const ms = performance.now() - began;
    const used = process.cpuUsage(before);
    figure("read, spooled and parsed, one flooding session", offset / ms / 1_000, "MB/s");
    figure("CPU of it", ((used.user + used.system) / 1_000 / ms) * 100, "%");
    expect(offset).toBeGreaterThan(1_000_000);
  });
});
