/** A thought engine that behaves as its first argument says: for test/fault/thought-engine.test.ts and thought-daemon.test.ts. */
import { spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

const [mode = "good"] = process.argv.slice(2);
const write = (text) => {
  // Synchronous: what is to be the last word is out before the end.
  for (let rest = Buffer.from(text); rest.length > 0;)
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") process.exit(9);
    }
};
const say = (message) => write(`${JSON.stringify(message)}\n`);
const stay = () => setInterval(() => {}, 60_000);

if (mode === "exits") process.exit(3);
if (mode === "silent") stay();
if (mode === "stubborn") for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) process.on(signal, () => {});
if (mode === "family") {
  const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6)", "of-the-engine"]);
  process.stderr.write(`child ${child.pid}\n`);
}
if (mode === "deaf") {
  say({ type: "hello", protocol: "lifeguard.thought.v1", name: mode });
  closeSync(0);
  stay();
}
if (mode === "other-protocol") say({ type: "hello", protocol: "somebody.else.v9" });
else if (mode !== "silent" && mode !== "deaf") say({ type: "hello", protocol: "lifeguard.thought.v1", name: mode });
if (mode === "chatty") for (let n = 0; n < 100; n++) say({ type: "sync_result", id: String(n), updates: [] });
if (mode === "two-hellos") say({ type: "hello", protocol: "lifeguard.thought.v1", name: mode });
if (mode === "floods") setInterval(() => process.stderr.write("complaint ".repeat(10_000)), 1);

if (mode !== "silent" && mode !== "deaf")
  createInterface({ input: process.stdin })
    .on("line", (line) => answer(JSON.parse(line)))
    .on("close", () => {
      if (mode !== "stubborn") process.exit(0);
      stay();
    });

function answer({ id, sessions }) {
  const updates = sessions.map(({ session_id, text }) => ({
    session_id,
    text: `${mode}: ${text.trim().split("\n").at(-1)}`,
    objective_fingerprint: mode,
  }));
  const result = { type: "sync_result", id, updates };
  switch (mode) {
    case "no-answer":
    case "stubborn":
    case "family":
      return;
    // One byte at a time, for ever: whoever only waits for the next byte waits for ever.
    case "trickles":
      return setInterval(() => write("x"), 20);
    case "stalls-mid-line":
      return write(JSON.stringify(result).slice(0, 30));
    case "late":
      for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => say(result));
      return;
    case "garbage":
      return write(Buffer.from([0, 255, 254, 0x1b, 0x5b, 0x32, 0x4a, 0xc3, 10]));
    case "nested":
      return write(`${"[".repeat(2_000_000)}\n`);
    case "broken":
      return write("{this is not JSON\n");
    case "wrong-id":
      return say({ ...result, id: "another" });
    case "refuses":
      return say({ type: "error", message: "no model today" });
    case "no-result":
      return say({ type: "sync_result", id, updates: "many" });
    case "long":
      return write("x".repeat(9_000_000));
    case "twice":
      say(result);
      return say(result);
    case "dies-mid-line":
      write(JSON.stringify(result).slice(0, 30));
      return process.exit(0);
    case "unknown":
      return say({
        ...result,
        updates: [
          { session_id: "sess_999999", text: "who" },
          { session_id: "../../etc", text: "where" },
        ],
      });
    case "others":
      return say({
        ...result,
        updates: ["sess_1", "sess_2"].map((session_id) => ({
          session_id,
          text: `others: asked about ${sessions.map((one) => one.session_id)}`,
        })),
      });
    case "old":
      return say({
        ...result,
        updates: updates.flatMap((one) => [2, 1, 2, 3].map((emission_seq) => ({ ...one, text: `old: ${emission_seq}`, emission_seq }))),
      });
    case "carries":
      return say({ ...result, updates: Number(id) === 1 ? updates : updates.map(({ session_id }) => ({ session_id, text: null })) });
    case "many":
      return say({ ...result, updates: Array.from({ length: 100_000 }, () => updates[0]) });
    case "nonsense":
      return say({
        ...result,
        updates: [
          null,
          7,
          { session_id: 7 },
          { ...updates[0], state: "asleep" },
          { ...updates[0], emission_seq: -1 },
          { ...updates[0], text: ["x"] },
        ].slice(0, sessions.length),
      });
    case "hostile-text":
      return say({
        ...result,
        updates: updates.map((one) => ({
          ...one,
          text: `\u001b[2J\u001b]0;x\u0007\u202ered\n${"y".repeat(1e5)}`,
          action_cues: Array(1e4).fill("\u0007cue"),
        })),
      });
    default:
      return say(result);
  }
}
