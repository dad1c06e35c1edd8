/**
 * A process that writes to a store until it is killed: `node store-writer.mjs DIRECTORY LINES SEED FIRST TEMPLATE`. What it asks and
 * what is acknowledged goes to the file LINES with one write(2) each, so that a SIGKILL takes none of it back.
 */
import { openSync, writeSync } from "node:fs";
import { FileStore } from "../../dist/persistence/file-store.js";
import { ask } from "./store-steps.mjs";

const [directory, path, seed, first, template] = process.argv.slice(2);
const lines = openSync(path, "a");
const write = (line) => void writeSync(lines, `${JSON.stringify(line)}\n`);
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const listener = { damaged: () => undefined, degraded: () => undefined, ok: () => undefined };

let state = Number(seed) >>> 0;
const random = (below) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 4_294_967_296) * below);
};
const pick = (list) => list[random(list.length)];

const store = await FileStore.open({ directory, clock, listener });
process.stdout.write("open\n");

let n = Number(first);
const journals = (await store.journals.list()).map(({ id }) => id);
const checkpoints = [];
const forks = [];

function step(n) {
  const sessions = store.registry.list().map(({ id }) => id);
  if (sessions.length < 4) return { do: "put", id: `sess_${store.ids.mint("session").number}`, offset: n };
  const id = pick(sessions);
  const dice = random(100);
  if (dice < 25) return { do: "put", id, offset: n };
  if (dice < 50)
    return { do: "append", id: journals.length > 0 && random(2) === 0 ? pick(journals) : id, tag: n, bytes: pick([10, 1_000, 30_000]) };
  if (dice < 65) return { do: "save", id, kind: pick(["periodic", "periodic", "manual", "exit"]), tag: n, bytes: pick([0, 500, 50_000]) };
  if (dice < 75) return { do: "publish", id, seq: n };
  if (dice < 80) return { do: "compact", id: journals.length > 0 ? pick(journals) : id, tag: n };
  if (dice < 84) return { do: "archive", name: pick(["a", "b"]), tag: n };
  if (dice < 90 && checkpoints.length > 0) {
    const { uuid, of } = pick(checkpoints);
    return { do: "drop", checkpoint: uuid, of };
  }
  if (dice < 93 && checkpoints.length > 0) {
    const { uuid, of } = pick(checkpoints);
    return { do: "fork", id: of, checkpoint: uuid };
  }
  if (dice < 96 && forks.length > 0) return { do: "merge", fork: pick(forks) };
  if (dice < 98 && journals.length < 3) return { do: "create", agent: pick(["x", "y"]) };
  return dice === 99 ? { do: "remove", id } : { do: "put", id, offset: n };
}

async function work() {
  for (;;) {
    const at = n++;
    const next = step(at);
    const answer = await ask(store, at, next, write, JSON.parse(template));
    if (answer === null) continue;
    if (next.do === "save" && next.kind === "manual") checkpoints.push({ uuid: answer, of: next.id });
    if (next.do === "fork") forks.push(answer);
    if (next.do === "create") journals.push(answer);
  }
}
await Promise.all(Array.from({ length: 12 }, work));
