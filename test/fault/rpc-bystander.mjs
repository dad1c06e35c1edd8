/**
 * Another client, in a process of its own so that it waits for the daemon and not for the attacker: lists every 5 ms until its
 * standard input ends, then prints how long each call took, ms, as JSON.
 */
import { Client } from "../../dist/rpc/client.js";

const client = await Client.connect({ socket: process.argv[2] });
let on = true;
process.stdin.on("end", () => (on = false)).resume();
process.stdout.write("ready\n");
const took = [];
while (on) {
  const began = performance.now();
  await client.call("session.list", {}, { deadlineMs: 20_000 });
  took.push(performance.now() - began);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await client.close();
process.stdout.write(JSON.stringify(took));
