/**
 * Agents that end in the very moment in which the daemon hands them over: systemd stops their scopes beside the daemon, a person
 * closes everything at once. What they said last, and how they ended, is the next daemon's to tell; the stop is none that failed.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { figure } from "../support/figures.js";
import { isAlive } from "../support/processes.js";
import { wholeOutput } from "../support/session-output.js";
import { waitUntil } from "../support/wait.js";

const SESSIONS = 24;
const ROUNDS = 2;
const AGENT = ["-c", 'trap "echo last words; exit 3" TERM; echo ready; while :; do read -r -t 100 line; done'];

test("agents that end while the daemon hands them over: status and last words are known to the next, and the stop has not failed", async () => {
  const daemon = await startDaemon();
  let ended = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const client = await daemon.client();
    const agents = await Promise.all(
      Array.from({ length: SESSIONS }, () => client.call("session.create", { command: "/bin/bash", args: AGENT, cwd: "/" })),
    );
    await waitUntil("all of them to be ready", async () => {
      const outputs = await Promise.all(agents.map(({ id }) => wholeOutput(client, id)));
      return outputs.every((output) => output.includes("ready"));
    });
    const stopped = daemon.stop();
    for (const { pid } of agents) {
      process.kill(pid!, "SIGTERM");
      // One after another, so that each finds the hand-over at another place.
      await nextTurn();
    }
    expect(await stopped).toBe(0);

    await daemon.start();
    const next = await daemon.client();
    for (const { id } of agents) {
      const session = await waitUntil(`the end of ${id}`, async () => {
        const summary = await next.call("session.get", { id });
        return summary.state === "exited" ? summary : null;
      });
      expect([session.exit, (await wholeOutput(next, id)).toString()]).toEqual([
        expect.objectContaining({ code: 3, reason: "process_exit" }),
        "ready\r\nlast words\r\n",
      ]);
      ended++;
    }
    await Promise.all(agents.map(({ id }) => next.call("session.remove", { id })));
  }
  figure("agents that ended while they were handed over", ended);
});

test("the end of all sessions was asked for, and TERM comes in between: they end all the same", async () => {
  const daemon = await startDaemon({ config: "[session]\nkill_grace_ms = 500\n" });
  const client = await daemon.client();
  const deaf = ["-c", "trap '' HUP TERM; echo ready; while :; do read -r -t 100 line; done"];
  const agents = await Promise.all(
    Array.from({ length: 10 }, () => client.call("session.create", { command: "/bin/bash", args: deaf, cwd: "/" })),
  );
  await waitUntil("all of them to be ready", async () => {
    const outputs = await Promise.all(agents.map(({ id }) => wholeOutput(client, id)));
    return outputs.every((output) => output.includes("ready"));
  });
  const ended = client.call("daemon.stop", { all: true });
  // Its answer says that what came before has been begun.
  await client.call("session.list", {});
  expect(await daemon.stop()).toBe(0);
  expect(await ended).toEqual({ sessions: 10 });
  expect(agents.filter(({ pid }) => isAlive(pid!))).toEqual([]);
});
