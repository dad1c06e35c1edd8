/**
 * Runs an agent's turn from a program: starts a session, follows its output, gives it a prompt, says how it ended.
 * `npx tsx watch.ts` anywhere that `npm install lifeguard` has been run; LIFEGUARD_SOCKET is the daemon's socket.
 */
import { Client, LifeguardError } from "lifeguard/client";

const client = await Client.connect({ socket: process.env["LIFEGUARD_SOCKET"] ?? `${process.env["XDG_RUNTIME_DIR"]}/lifeguard/lifeguard.sock` });
const session = await client.call("session.create", { command: "bash", args: ["--norc"], env: { PS1: "$ " } });
const watch = await client.watch(session.id, { since: 0 }, { output: (data) => void process.stdout.write(data) });
try {
  await client.call("session.wait", { id: session.id, until: ["idle"], timeout_ms: 30_000 });
  const { delivery } = await client.call("session.prompt", { id: session.id, text: "echo $((6 * 7))", wait: { until: ["idle"], timeout_ms: 30_000 } });
  console.error(`\n${session.id}: ${delivery}`);
} catch (error) {
  if (!(error instanceof LifeguardError)) throw error;
  console.error(`refused, ${error.name}: ${error.message}`); // BLOCKED, BUSY, TIMEOUT, …: docs/errors.md
} finally {
  await watch.end();
  await client.call("session.kill", { id: session.id });
  await client.close();
}
