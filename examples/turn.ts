// One turn from a program: a session, a prompt with proof, a wait, its output. `npm install lifeguard`, then `npx tsx turn.ts`.
import { Client, LifeguardError } from "lifeguard/client";

const client = await Client.connect(); // the daemon that the command line finds too
const { id } = await client.call("session.create", { command: "bash", args: ["--norc"], env: { PS1: "$ " } });
const watch = await client.watch(id, { since: 0 }, { output: (data) => void process.stdout.write(data) });
try {
  const wait = { until: ["idle" as const], timeout_ms: 30_000 };
  await client.call("session.wait", { id, ...wait });
  const { delivery } = await client.call("session.prompt", { id, text: "echo $((6 * 7))", wait });
  console.error(`\n${id}: ${delivery}`);
} catch (error) {
  if (!(error instanceof LifeguardError)) throw error;
  console.error(`refused: ${error.name}, ${error.message}`); // docs/errors.md has them all
} finally {
  await client.call("session.kill", { id });
  await watch.end();
  await client.close();
}
