/**
 * Actor threads die under load: of an uncaught error, of a full heap. No agent may notice, the daemon stays, every session is back
 * with the right screen and no byte missing, and a session that kills its thread again and again drags nobody down with it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Terminal } from "../../src/actors/terminal/terminal.js";
import type { LifeguardError } from "../../src/errors.js";
import type { Client, SessionSummary } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { figure, quantile, sample, seeded } from "../support/figures.js";
import { endlessNumberedLines, numberedLines } from "../support/numbered-lines.js";
import { describeProcess } from "../support/processes.js";
import { OutputChecker, wholeOutput } from "../support/session-output.js";
import { waitUntil } from "../support/wait.js";

const daemon = await startDaemon({ config: "[daemon]\nthread_heap_mib = 192\n" });
const client = await daemon.client();

function makeFault(id: string, kind: "throw" | "heap"): void {
  writeFileSync(join(daemon.home, "run", "fault"), JSON.stringify({ id, kind }));
  process.kill(daemon.pid, "SIGUSR2");
}

async function threadIds(): Promise<number[]> {
  return (await client.call("daemon.status", {})).threads.map(({ id }) => id);
}

/** Makes the fault, and waits until every session serves again. @returns how long that took, ms */
async function loseThreadOf(id: string, kind: "throw" | "heap", sessions: readonly SessionSummary[]): Promise<number> {
  const before = await threadIds();
  makeFault(id, kind);
  await waitUntil(
    "a thread to be lost",
    async () => {
      const now = await threadIds();
      return before.some((thread) => !now.includes(thread));
    },
    60_000,
  );
  const lost = performance.now();
  await Promise.all(sessions.map(({ id: session }) => client.call("session.read", { id: session, since: 0, max: 1 })));
  return performance.now() - lost;
}

/** What a read is told that is under way in a thread that dies: the second when dying takes longer than a call may. */
const OF_A_DYING_THREAD: readonly string[] = ["UNAVAILABLE", "TIMEOUT"];

/**
 * Reads on, so that a spool still reaches back to where its checker stood however long a thread takes to die. A read that
 * was under way in the thread that dies is done again. @returns ends it
 */
function keepReading(checkers: readonly OutputChecker[]): () => Promise<void> {
  let over = false;
  const readers = checkers.map(async (checker) => {
    while (!over) {
      await checker.advance(client).catch((error: LifeguardError) => {
        if (!OF_A_DYING_THREAD.includes(error.name)) throw error;
      });
      await pause(50);
    }
  });
  const ended = Promise.all(readers);
  // Told where the end is asked for, not as nobody's rejection meanwhile.
  ended.catch(() => {});
  return async () => {
    over = true;
    await ended;
  };
}

async function screenNow(asked: Client, id: string): Promise<{ text: string; offset: number }> {
  const { text, offset } = await asked.call("session.screen", { id, format: "text" });
  return { text: text ?? "", offset };
}

test("threads that throw or fill their heap: no agent, no byte, no screen is lost", async () => {
  const deaths = sample("thread deaths under load", 100, 6);
  const random = seeded("thread deaths", 20261120);
  const writers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => client.call("session.create", endlessNumberedLines(n < 4 ? 20_000 : 500))),
  );
  const still = await client.call("session.create", numberedLines(3_000, { hold: true }));
  const checkers = writers.map(({ id }) => new OutputChecker(id));
  const times: number[] = [];
  const readingEnds = keepReading(checkers);
  for (let death = 0; death < deaths; death++) {
    const victim = writers[Math.floor(random() * writers.length)];
    times.push(await loseThreadOf(victim?.id ?? "", random() < 0.5 ? "throw" : "heap", writers));
  }
  await readingEnds();
  const before = await Promise.all(checkers.map((checker) => checker.advance(client)));
  await waitUntil("every writer to have written more", async () => {
    const now = await Promise.all(checkers.map((checker) => checker.advance(client)));
    return now.every((offset, index) => offset > (before[index] ?? 0));
  });
  figure("a thread's sessions serve again, median", quantile(times, 0.5), "ms");
  figure("a thread's sessions serve again, worst", quantile(times, 1), "ms");
  figure(
    "bytes checked",
    before.reduce((sum, offset) => sum + offset, 0),
  );
  figure(
    "holes",
    checkers.reduce((sum, checker) => sum + checker.holes, 0),
  );
  expect(checkers.map((checker) => checker.fault).filter((fault) => fault !== null)).toEqual([]);
  for (const { pid } of writers) expect(describeProcess(pid ?? 0)).not.toBeNull();

  // What the survivors show is what a terminal shows that saw every byte.
  const held = await screenNow(client, still.id);
  const model = new Terminal(
    { cols: still.cols, rows: still.rows },
    { historyLines: 1_000, mute: true },
    { reply: () => {}, title: () => {}, bell: () => {}, osc: () => {} },
  );
  model.feed(await wholeOutput(client, still.id));
  expect(held.text).toBe(model.render({ format: "text", scrollback: 0 }).content);
  model.dispose();
  await Promise.all([...writers, still].map(({ id }) => client.call("session.kill", { id })));
}, 1_200_000);

test("a session that kills its thread again and again ends alone, and without a terminal; the others never fail", async () => {
  const innocent = await Promise.all(Array.from({ length: 12 }, () => client.call("session.create", endlessNumberedLines(1_000))));
  const poison = await client.call("session.create", endlessNumberedLines(1_000));
  const checkers = [...innocent, poison].map(({ id }) => new OutputChecker(id));
  for (let death = 0; death < 4; death++) {
    await Promise.all(checkers.map((checker) => checker.advance(client)));
    await loseThreadOf(poison.id, "throw", [...innocent, poison]);
  }
  await Promise.all(checkers.map((checker) => checker.advance(client)));
  expect(checkers.map((checker) => checker.fault).filter((fault) => fault !== null)).toEqual([]);
  for (const { id } of innocent) {
    await waitUntil(`${id} to be well`, async () => (await client.call("session.get", { id })).health === "ok");
    expect((await screenNow(client, id)).text).toMatch(/line \d{10}/);
  }
  expect(await client.call("session.get", { id: poison.id })).toMatchObject({ health: "degraded", exit: null });
  await expect(screenNow(client, poison.id)).rejects.toMatchObject({ name: "UNAVAILABLE" });
  expect(describeProcess(poison.pid ?? 0)).not.toBeNull();
});

test("a session with a thread of its own: its death is nobody else's", async () => {
  const own = await client.call("session.create", { ...endlessNumberedLines(1_000), isolation: "thread" });
  const other = await client.call("session.create", endlessNumberedLines(1_000));
  const threads = (await client.call("daemon.status", {})).threads;
  expect(threads.filter(({ actors }) => actors === 1).length).toBeGreaterThanOrEqual(1);
  const checker = new OutputChecker(own.id);
  await loseThreadOf(own.id, "throw", [own, other]);
  expect((await client.call("session.get", { id: other.id })).recovered_from).toBeNull();
  expect((await client.call("session.get", { id: own.id })).recovered_from).toBe("worker");
  const at = await checker.advance(client);
  await waitUntil("it to have written more", async () => (await checker.advance(client)) > at);
  expect(checker.fault).toBeNull();
});
