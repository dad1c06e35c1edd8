/**
 * What the store costs: `npm run build && node bench/parts/store.mjs [SESSIONS] [CHECKPOINTS]` (1 000 and 10 000).
 * On the disk below the system's temporary directory; STORE_BENCH_DIR names another.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { realFiles } from "../../dist/persistence/file-layer.js";
import { FileStore } from "../../dist/persistence/file-store.js";

const sessions = Number(process.argv[2] ?? 1_000);
const checkpoints = Number(process.argv[3] ?? 10_000);
const root = mkdtempSync(join(process.env.STORE_BENCH_DIR ?? tmpdir(), "lg-bench-"));
const directory = join(root, "store");
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const listener = { damaged: console.error, degraded: console.error, ok: () => undefined };

/** Counts what reaches the disk. */
const counts = { fsyncs: 0, written: 0, calls: 0 };
const counted =
  (method) =>
  (...args) => {
    counts.calls++;
    return realFiles[method](...args);
  };
const files = {
  ...Object.fromEntries(Object.keys(realFiles).map((method) => [method, counted(method)])),
  async open(path, how) {
    counts.calls++;
    const file = await realFiles.open(path, how);
    return {
      read: (...args) => file.read(...args),
      async write(bytes, position) {
        const written = await file.write(bytes, position);
        counts.written += written;
        return written;
      },
      truncate: (bytes) => file.truncate(bytes),
      async fsync() {
        counts.fsyncs++;
        await file.fsync();
      },
      close: () => file.close(),
    };
  },
  async fsyncDirectory(path) {
    counts.fsyncs++;
    await realFiles.fsyncDirectory(path);
  },
};
const open = () => FileStore.open({ directory, clock, listener, files });

const environment = Object.fromEntries(
  Array.from({ length: 60 }, (_, n) => [`VARIABLE_${n}`, `/usr/local/share/thing-${n}/bin:/opt/value`]),
);
const specOf = (id) => ({
  name: id.replace("sess_", "agent-"),
  cwd: "/srv/project",
  tool: "claude",
  command: "claude",
  args: ["--resume", "abc"],
  env: environment,
  envSecret: [],
  cols: 120,
  rows: 40,
  restart: "never",
  isolation: "shared",
  backend: "pty",
  labels: { team: "blue" },
  allowSelf: false,
});
const recordOf = (id, offset) => ({
  id,
  spec: specOf(id),
  state: "busy",
  state_since: 1,
  evidence: { source: "title", rule: "spinner", confidence: "high", at: 1, detail: "a spinner in the title" },
  created_at: 1,
  started_at: 1,
  last_activity_at: 1,
  exit: null,
  epoch: 1,
  restarts: 0,
  killing: false,
  offset,
  title: "working",
  cwd: "/srv/project",
  conversation_id: null,
  token_count: null,
  pinned: false,
  parent_checkpoint: null,
  details: {},
});
const checkpointOf = (session, kind, offset, more = {}) => ({
  session,
  kind,
  offset,
  epoch: 1,
  session_state: "idle",
  spec: specOf(session),
  ...more,
});
const ids = Array.from({ length: sessions }, (_, n) => `sess_${n + 1}`);
const text = Buffer.from(
  Array.from({ length: 1_000 }, (_, n) => `line ${n}: the agent reads src/file-${n % 17}.ts and thinks about it\n`).join(""),
);

const quantile = (list, part) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? Number.NaN;
const say = (what, value, unit = "") =>
  console.log(`${what.padEnd(66)} ${typeof value === "number" ? value.toFixed(value < 10 ? 2 : 0) : value} ${unit}`);

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return { ms: performance.now() - began, result };
}

/** Runs `work` for each item with so many under way, as callers do; each one's time is from call to durable. */
async function each(items, atOnce, work) {
  const times = [];
  const rest = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) times.push((await timed(() => work(item))).ms);
    }),
  );
  return times;
}

async function watched(what, work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = { ...counts };
  delay.enable();
  const { ms, result } = await timed(work);
  delay.disable();
  say(what, ms, "ms");
  say(
    "   longest stall of the main loop, p99",
    `${(delay.max / 1e6 - 1).toFixed(1)}, ${(delay.percentile(99) / 1e6 - 1).toFixed(1)}`,
    "ms",
  );
  return { ms, result, fsyncs: counts.fsyncs - before.fsyncs, written: counts.written - before.written };
}

function diskBytes(path) {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const full = join(path, entry.name);
    bytes += entry.isDirectory() ? diskBytes(full) : statSync(full).size;
  }
  return bytes;
}

let store = await open();
console.log(`${sessions} sessions, ${checkpoints} checkpoints, ${root}\n`);

const created = await watched("registry: the first record of each session", () =>
  Promise.all(ids.map((id) => store.registry.put(recordOf(id, 0)))),
);
say("   fsyncs, bytes per record", `${(created.fsyncs / sessions).toFixed(1)}, ${Math.round(created.written / sessions)}`);
const renewed = await watched("registry: all changed", () => Promise.all(ids.map((id) => store.registry.put(recordOf(id, 1)))));
say("   fsyncs, bytes per record", `${(renewed.fsyncs / sessions).toFixed(1)}, ${Math.round(renewed.written / sessions)}`);
const same = await watched("registry: none changed", () => Promise.all(ids.map((id) => store.registry.put(recordOf(id, 1)))));
say("   fsyncs", same.fsyncs);

const round = await watched("checkpoint of all sessions, dirty, without a terminal", () =>
  Promise.all(ids.map((id) => store.checkpoints.save(checkpointOf(id, "periodic", 1)))),
);
say("   fsyncs, bytes per checkpoint", `${(round.fsyncs / sessions).toFixed(1)}, ${Math.round(round.written / sessions)}`);
const heavy = await watched("checkpoint of all sessions, with a terminal of 70 KB", () =>
  Promise.all(ids.map((id) => store.checkpoints.save(checkpointOf(id, "periodic", 2, { terminal: text })))),
);
say("   fsyncs, bytes per checkpoint", `${(heavy.fsyncs / sessions).toFixed(1)}, ${Math.round(heavy.written / sessions)}`);

const manual = Array.from({ length: checkpoints }, (_, n) => n);
const saved = [];
const filled = await watched(`manual checkpoints with a context of 4 KB`, () =>
  each(manual, 32, async (n) =>
    saved.push(
      (
        await store.checkpoints.save(
          checkpointOf(ids[n % (sessions / 10)], "manual", n, { label: `step ${n}`, context: text.subarray(0, 4_096), state: { n } }),
        )
      ).checkpoint,
    ),
  ),
);
say("   per second", (checkpoints / filled.ms) * 1_000);

const one = ids[sessions - 1];
for (const history of [0, 100, 1_000]) {
  while ((await store.checkpoints.list(one)).filter(({ kind }) => kind === "manual").length < history) {
    await Promise.all(Array.from({ length: 100 }, () => store.checkpoints.save(checkpointOf(one, "manual", 1))));
  }
  const times = await each(
    Array.from({ length: 100 }, (_, n) => n),
    1,
    (n) => store.checkpoints.save(checkpointOf(one, "periodic", history * 1_000 + n)),
  );
  say(
    `periodic save alone, beside ${history} others of its session: p50, p99`,
    `${quantile(times, 0.5).toFixed(2)}, ${quantile(times, 0.99).toFixed(2)}`,
    "ms",
  );
}

const loads = await each(saved.slice(0, 1_000), 1, (id) => store.checkpoints.get(id));
say("load of a checkpoint: p50, p99", `${quantile(loads, 0.5).toFixed(2)}, ${quantile(loads, 0.99).toFixed(2)}`, "ms");
say("list of one session's, in memory", (await timed(() => store.checkpoints.list(ids[0]))).ms, "ms");
say(`list of all, in memory`, (await timed(() => store.checkpoints.list())).ms, "ms");
say("listing of the registry", (await timed(async () => store.registry.list())).ms, "ms");

const { id } = await store.journals.create({ agent: "bench", created_by: "bench" });
const entries = Array.from({ length: 100_000 }, (_, n) => n);
const appended = await watched("journal: 100 000 entries, 200 under way", () =>
  each(entries, 200, (n) => store.journals.append(id, { kind: "message", data: { n, text: "what was said" } })),
);
say("   entries per fsync", 100_000 / appended.fsyncs);
const single = await each(
  Array.from({ length: 200 }, (_, n) => n),
  1,
  (n) => store.journals.append(ids[0], { kind: "note", data: n }),
);
say("journal: one append alone, p50, p99", `${quantile(single, 0.5).toFixed(2)}, ${quantile(single, 0.99).toFixed(2)}`, "ms");
await store.journals.compact(id, { archive: "sum" });
await each(
  Array.from({ length: 100 }, (_, n) => n),
  100,
  (n) => store.journals.append(id, { kind: "message", data: n }),
);

say("drain", (await store.drain(60_000)).ms, "ms");
const closing = await timed(() => store.close());
say("close (writes the indexes)", closing.ms, "ms");
say("on the disk", diskBytes(directory) / 1e6, "MB");

const reopened = await watched(`open: ${sessions} sessions, ${checkpoints} checkpoints`, open);
store = reopened.result;
say("   as the store says it", store.recovery.ms, "ms");
const replay = await timed(() => store.journals.read(id, { from_boundary: true }));
say(`journal: replay of ${replay.result.entries.length} after the boundary of 100 000`, replay.ms, "ms");
say("list of all, from the indexes", (await timed(() => store.checkpoints.list())).ms, "ms");
const cold = await each(ids.slice(0, 500), 1, (id) => store.checkpoints.latest(id));
say("latest of a session (restore): p50, p99", `${quantile(cold, 0.5).toFixed(2)}, ${quantile(cold, 0.99).toFixed(2)}`, "ms");
const verified = await watched("verify", () => store.verify());
say("   files, damaged", `${verified.result.checked}, ${verified.result.damaged.length}`);
await store.close();

for (const each of ids) rmSync(join(directory, "sessions", each, "checkpoints.index"), { force: true });
store = await open();
say("list of all, without an index", (await timed(() => store.checkpoints.list())).ms, "ms");
const pruned = await watched("prune that finds nothing", () =>
  store.prune({
    olderThanMs: 1e9,
    sessionsKept: 1e9,
    periodicKept: 10,
    sessionBytes: null,
    allBytes: null,
    dryRun: false,
    keep: () => null,
  }),
);
say("   removed", pruned.result.removed.length);
await store.close();
rmSync(root, { recursive: true });
