/**
 * Records what a client and this version's daemon say to each other, one JSON line each way, as the compatibility test replays it
 * against later versions: `node test/support/record-protocol.mjs > test/fixtures/protocol/REVISION.jsonl`.
 * Done once for each released revision of the protocol; never again for an old one.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** `$id` and `$checkpoint` are what earlier answers gave. */
const REQUESTS = [
  ["daemon.hello", { client: "recorder", protocol: 1 }],
  [
    "session.create",
    { name: "shell", command: "/bin/sh", cwd: "/", cols: 80, rows: 24, labels: { team: "red" }, restart: "never", key: "once" },
  ],
  ["session.list", {}],
  ["session.list", { all: true, labels: { team: "red" } }],
  ["session.get", { id: "$id" }],
  ["session.input", { id: "$id", data_b64: Buffer.from("echo re''corded\r").toString("base64") }],
  ["session.keys", { id: "$id", keys: ["Enter"] }],
  ["session.paste", { id: "$id", text: "true" }],
  ["session.resize", { id: "$id", cols: 100, rows: 30 }],
  ["session.screen", { id: "$id" }],
  ["session.screen", { id: "$id", format: "ansi" }],
  ["session.read", { id: "$id", since: 0 }],
  ["session.watch", { id: "$id", since: 0 }],
  ["session.explain", { id: "$id" }],
  ["session.update", { id: "$id", labels: { team: "blue" } }],
  ["session.wait", { id: "$id", until: ["idle", "starting", "busy", "attention"], timeout_ms: 10_000 }],
  ["checkpoint.save", { id: "$id", label: "kept" }],
  ["checkpoint.list", { id: "$id" }],
  ["checkpoint.get", { checkpoint: "$checkpoint" }],
  ["journal.open", { agent: "coder", created_by: "bot" }],
  ["journal.append", { id: "$journal", kind: "note", data: { step: 1 } }],
  ["journal.read", { id: "$journal" }],
  ["thought.publish", { id: "$id", text: "at work" }],
  ["store.status", {}],
  ["daemon.status", {}],
  ["daemon.metrics", {}],
  ["session.kill", { id: "$id", grace_ms: 500 }],
  ["session.remove", { id: "$id" }],
  ["session.get", { id: "sess_999999" }],
  ["no.such.method", {}],
];

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "lifeguard-record-"));
const daemon = spawn(process.execPath, [join(checkout, "bin/lifeguard"), "daemon", "--ready-fd", "3"], {
  env: { PATH: process.env.PATH, HOME: home, LIFEGUARD_HOME: home, LANG: "C.UTF-8" },
  stdio: ["ignore", "inherit", "inherit", "pipe"],
});
await new Promise((resolve) => daemon.stdio[3].once("data", resolve));
const socket = connect(join(home, "run/lifeguard.sock"));
const waiting = new Map();
createInterface({ input: socket }).on("line", (line) => {
  const message = JSON.parse(line);
  waiting.get(message.id)?.({ line, message });
});

const known = {};
let next = 0;
async function ask(method, params) {
  const filled = JSON.parse(JSON.stringify(params), (_key, value) =>
    typeof value === "string" && value.startsWith("$") ? known[value.slice(1)] : value,
  );
  const id = ++next;
  const answered = new Promise((resolve) => waiting.set(id, resolve));
  socket.write(`${JSON.stringify({ id, method, params: filled })}\n`);
  return (await answered).message;
}

for (const [method, params] of REQUESTS) {
  const { result, error } = await ask(method, params);
  if (method === "session.create") known.id = result.id;
  if (method === "checkpoint.save") known.checkpoint = result.checkpoint;
  if (method === "journal.open") known.journal = result.id;
  process.stdout.write(
    `${JSON.stringify({ method, params, ...(error === undefined ? { result } : { error: { name: error.name, code: error.code } }) })}\n`,
  );
}
await ask("daemon.stop", { all: true });
await new Promise((resolve) => daemon.once("exit", resolve));
socket.destroy();
rmSync(home, { recursive: true, force: true });
