// What `lifeguard hook` costs an agent at every event, over a Node that does nothing. After a build:
//   node scripts/measure-hook.mjs [ROUNDS]
// Both are run alternately, so that a busy machine burdens both. Against a socket that answers at once, as the daemon does.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const rounds = Number(process.argv[2] ?? 40);
const launcher = fileURLToPath(new URL("../bin/lifeguard", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "lifeguard-measure-"));
const socket = join(root, "sock");
// In a thread of its own: spawnSync holds this one up.
const server = new Worker(
  `const { workerData, parentPort } = require("node:worker_threads");
   require("node:net").createServer((s) => { s.on("error", () => {}); s.on("data", () => s.write('{"id":1,"result":{"accepted":true}}\\n')); })
     .listen(workerData, () => parentPort.postMessage("ready"));`,
  { eval: true, workerData: socket },
);
await new Promise((resolve) => server.once("message", resolve));

const env = { ...process.env, LIFEGUARD_SESSION: "sess_1", LIFEGUARD_SOCKET: socket };
const input = JSON.stringify({
  session_id: "abc",
  transcript_path: "/t.jsonl",
  cwd: "/w",
  hook_event_name: "PreToolUse",
  tool_name: "Bash",
});
const once = (args) => {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { env, input });
  if (status !== 0) throw new Error(`exit ${status}`);
  return performance.now() - began;
};
const bare = [];
const hook = [];
for (let round = -3; round < rounds; round++) {
  const pair = [once(["-e", "0"]), once([launcher, "hook", "claude"])];
  // The first warm the caches.
  if (round < 0) continue;
  bare.push(pair[0]);
  hook.push(pair[1]);
}
await server.terminate();
rmSync(root, { recursive: true, force: true });
const at = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))].toFixed(1);
console.log(`bare node:      least ${at(bare, 0)} ms, p50 ${at(bare, 0.5)} ms, p95 ${at(bare, 0.95)} ms`);
console.log(`lifeguard hook: least ${at(hook, 0)} ms, p50 ${at(hook, 0.5)} ms, p95 ${at(hook, 0.95)} ms`);
const over = (share) => (at(hook, share) - at(bare, share)).toFixed(1);
console.log(`over bare node: least ${over(0)} ms, p50 ${over(0.5)} ms (${rounds} rounds, Node ${process.version})`);
