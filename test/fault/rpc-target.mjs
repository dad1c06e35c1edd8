/**
 * The server under fire, in a process of its own: the real one from dist over a supervisor that answers from memory. Prints
 * "ready" when it listens. For each line on its standard input it collects garbage, so that memory is what is held and not what waits
 * for collection, and prints {heap, rss}, bytes. It collects twice: buffers are freed beside a collection and only the next one counts
 * them as gone (up to 50 MiB between the two). Apart from the socket: what is asked there at random would collect all the time.
 */
import { createInterface } from "node:readline";
import { loadConfig, makeDirectories, resolvePaths } from "../../dist/config.js";
import { LifeguardError } from "../../dist/errors.js";
import { silentLog } from "../../dist/log.js";
import { RpcServer } from "../../dist/rpc/server.js";

const config = loadConfig(resolvePaths(process.env));
makeDirectories(config.paths);

const boot = "boot-target";
const output = Buffer.alloc(1 << 20, "0123456789abcdef");
const evidence = { source: "fake", rule: "fake", confidence: "high", at: 1, detail: "" };
const summary = (id) => ({ id, name: id.slice(5), labels: {}, state: "idle", evidence, offset: output.length, cols: 80, rows: 24 });
const sessions = new Map(["sess_1", "sess_2", "sess_3"].map((id) => [id, summary(id)]));
const subscribers = new Set();
let seq = 0;
let watches = 0;
let last = 0;

const emit = (kind, session) => {
  seq++;
  for (const listener of subscribers) listener({ boot, seq, at: 1, kind, session });
};

const supervisor = {
  boot,
  create: async () => {
    emit("session.created", "sess_1");
    return summary("sess_1");
  },
  list: () => ({ sessions: [...sessions.values()], cursor: { boot, seq } }),
  resolve: (words, { prefix }) => {
    for (const id of sessions.keys()) if (id === words || id.slice(5) === words || (prefix && id.startsWith(words))) return id;
    throw new LifeguardError("NOT_FOUND", `no session ${JSON.stringify(words)}`);
  },
  get: (id) => sessions.get(id),
  input: async (_id, data) => ({ accepted: data.length }),
  keys: async (_id, keys) => ({ accepted: keys.length }),
  paste: async (_id, text) => ({ accepted: text.length }),
  resize: async () => ({ offset: output.length }),
  screen: async (_id, { format }) => ({
    epoch: 1,
    offset: output.length,
    cols: 80,
    rows: 24,
    cursor: { x: 0, y: 0, visible: true },
    alternate: false,
    title: "",
    content: format,
    truncated: false,
  }),
  read: async (_id, since, max) => {
    const data = output.subarray(Math.min(since, output.length), since + Math.min(max, 65_536));
    return { offset: since, data, next: since + data.length, gap: 0 };
  },
  watch: async (_id, { since = output.length }, sink) => {
    watches++;
    let at = Math.min(since, output.length);
    let ended = false;
    const push = () => {
      while (!ended && at < output.length) {
        const data = output.subarray(at, at + Math.min(sink.room(), 16_384));
        if (data.length === 0) return;
        const from = at;
        at += data.length;
        sink.output(from, data, 0);
      }
    };
    return {
      watch: `w_${++last}`,
      offset: at,
      gap: 0,
      ack: push,
      resume: push,
      end: () => {
        if (ended) return;
        ended = true;
        watches--;
        sink.closed("unwatched");
      },
    };
  },
  // Never reached: it ends with its connection or its time.
  wait: (_id, { timeoutMs, signal }) =>
    new Promise((_, reject) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => reject(new LifeguardError("TIMEOUT", "not reached")), timeoutMs);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new LifeguardError("TIMEOUT", "cancelled"));
      });
    }),
  kill: async () => ({ exit: null, processes: 0 }),
  restart: async (id) => sessions.get(id),
  remove: async () => undefined,
  update: (id) => sessions.get(id),
  subscribe: (since, _filter, listener) => {
    subscribers.add(listener);
    return { cursor: { boot, seq }, gap: since !== null && since.boot !== boot, missed: [], end: () => subscribers.delete(listener) };
  },
  status: async () => ({
    pid: process.pid,
    version: "0",
    boot,
    started_at: 0,
    uptime_ms: 0,
    keepers: [],
    sessions: {},
    threads: [{ id: 0, actors: subscribers.size, heap_bytes: 0 }],
    fds: 0,
    ptys: 0,
    memory: { daemon_rss: 0, keeper_rss: 0 },
    watches,
    restored: null,
    loop_stall_ms: 0,
  }),
  metrics: async () => "",
  stop: async () => ({ sessions: sessions.size }),
  connectionClosed: () => undefined,
};

const server = new RpcServer({ config, version: "0", supervisor, log: silentLog });
await server.listen();
process.stdout.write("ready\n");
const lines = createInterface({ input: process.stdin });
lines.on("line", () => {
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ heap: heapUsed + external, rss })}\n`);
});
process.once("SIGTERM", () => {
  lines.close();
  process.stdin.destroy();
  void server.close();
});
