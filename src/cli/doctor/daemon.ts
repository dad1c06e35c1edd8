/** The daemon, its lock, its keepers and its store: asked where it answers, looked at from outside where it does not. Starts none. */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { LifeguardError, messageOf } from "../../errors.js";
import { Client } from "../../rpc/client.js";
import type { StatusResult, StoreStatus } from "../../rpc/client.js";
import { counted } from "../counted.js";
import { printable } from "../printable.js";
import { packageVersion } from "../../package-files.js";
import { briefBytes } from "../sizes.js";
import { atTheLimit } from "./connections.js";
import { aside, ok, problem, quoted, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import { deadKeepers, heldByKeepers, keepersOf, stoppedKeepers } from "./keepers.js";
import { roomFor } from "./places.js";
import { commandOf, holderOf, keepersIn, stateOf } from "./processes.js";
import type { Surroundings } from "./surroundings.js";

/** A daemon that takes longer than this to say hello is not well. */
const PATIENCE_MS = 5_000;
const STALL_MS = 1_000;

export interface Answer {
  status: StatusResult;
  store: StoreStatus;
  client: Client;
}

export interface DaemonLook {
  /** Null when none answers. The caller closes its client. */
  answer: Answer | null;
  findings: Finding[];
}

/** @param mayAsk false where asking would start a daemon: the manager listens at the socket for one that does not run */
export async function checkDaemon(around: Surroundings, mayAsk: boolean): Promise<DaemonLook> {
  const { paths } = around;
  const holder = holderOf(join(paths.state, "lock"));
  // One that is stopped would let us wait in vain.
  const stopped = holder !== null && stateOf(holder) === "T";
  const asked = mayAsk && !stopped ? await ask(paths.socket) : { trouble: "ENOENT" };
  if ("refusal" in asked) return { answer: null, findings: [await atTheLimit(around, holder, asked.refusal), ...leftDamage(around)] };
  if ("trouble" in asked) return { answer: null, findings: [...silent(around, holder, asked.trouble), ...leftDamage(around)] };
  return { answer: asked, findings: [...lockFindings(asked, holder), ...alive(around, asked), ...(await storeFindings(around, asked))] };
}

/** @returns what it said; `refusal`: why it takes no more clients */
async function ask(socket: string): Promise<Answer | { trouble: string } | { refusal: string }> {
  let client: Client | null = null;
  try {
    client = await Client.connect({ socket, reconnect: false, client: "lifeguard-doctor", connectTimeoutMs: PATIENCE_MS });
    const status = await client.call("daemon.status", {}, { deadlineMs: PATIENCE_MS });
    const store = await client.call("store.status", {}, { deadlineMs: PATIENCE_MS });
    return { status, store, client };
  } catch (error) {
    await client?.close();
    if (error instanceof LifeguardError && error.name === "LIMIT") return { refusal: error.message };
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code !== undefined) return { trouble: cause.code };
    return { trouble: error instanceof LifeguardError && error.name === "TIMEOUT" ? "TIMEOUT" : messageOf(error) };
  }
}

/** No daemon answers at the socket: is there none, or one that cannot? */
function silent(around: Surroundings, holder: number | null, trouble: string): Finding[] {
  const { paths, lifeguard } = around;
  const start = `${lifeguard} daemon --background`;
  const keepers = keepersIn(paths.runtime);
  const findings = stoppedKeepers(keepers);
  if (holder !== null) return [...findings, heldButSilent(around, holder, trouble)];
  const held = heldByKeepers(keepers, around);
  const socket = lstatSync(paths.socket, { throwIfNoEntry: false });
  const stale = socket?.isSocket() === true && trouble === "ECONNREFUSED";
  if (held !== null) {
    findings.push(held);
  } else if (trouble === "EACCES" || trouble === "EPERM") {
    findings.push(problem("daemon", `you may not connect to ${paths.socket}`, `ls -l ${quoted(paths.socket)}`, "it is its owner's alone"));
  } else if (!stale) {
    findings.push(ok("daemon", `none runs; verbs that need one start it (${start})`));
  }
  if (stale && held === null)
    findings.push(
      warning(
        "socket",
        `${paths.socket} is left over from a daemon that died`,
        start,
        "a new daemon takes its place; to have none, remove the file",
      ),
    );
  if (held === null) findings.push(...deadKeepers(keepers));
  return findings;
}

function heldButSilent({ paths, env, lifeguard }: Surroundings, holder: number, trouble: string): Finding {
  const start = `${lifeguard} daemon --background`;
  const who = `a daemon (pid ${holder}) holds ${join(paths.state, "lock")}`;
  if (stateOf(holder) === "T") return problem("daemon", `${who} and is stopped by a signal`, `kill -CONT ${holder}`);
  const wait = `while kill -0 ${holder} 2>/dev/null; do sleep 0.1; done`;
  if (trouble === "TIMEOUT")
    return problem(
      "daemon",
      `${who} and does not answer within ${PATIENCE_MS / 1_000} s`,
      `kill -KILL ${holder}; ${wait}; ${start}`,
      "agents go on under the keeper; the next daemon takes them up. Its last words are in daemon.log",
    );
  if (trouble !== "ENOENT" && trouble !== "ECONNREFUSED")
    return problem("daemon", `${who} and does not answer: ${printable(trouble)}`, `tail -n 20 ${quoted(join(paths.state, "daemon.log"))}`);
  if ((env["LIFEGUARD_SOCKET"] ?? "") !== "")
    return problem(
      "daemon",
      `${who}, but nobody listens at ${paths.socket}, which LIFEGUARD_SOCKET says: it serves another socket`,
      "unset LIFEGUARD_SOCKET",
      "or stop it, and start one with the variable set",
    );
  return problem(
    "daemon",
    `${who}, but nobody listens at ${paths.socket}: the socket's file was removed, or the daemon was started with another --socket`,
    `kill -TERM ${holder}; ${wait}; ${start}`,
    "agents go on under the keeper; the next daemon takes them up",
  );
}

function lockFindings({ status }: Answer, holder: number | null): Finding[] {
  if (holder === null || holder === status.pid)
    return [ok("lock", holder === null ? "nobody can tell who holds it" : `held by the daemon, pid ${holder}`)];
  return [
    problem(
      "lock",
      `it is held by pid ${holder} (${commandOf(holder).slice(0, 2).join(" ")}), and the daemon that answers has pid ${status.pid}: two daemons, or a socket of another state directory`,
      "unset LIFEGUARD_SOCKET LIFEGUARD_STATE_DIR LIFEGUARD_RUNTIME_DIR LIFEGUARD_HOME",
      "then each daemon is found by its own directory",
    ),
  ];
}

function alive({ lifeguard }: Surroundings, { status }: Answer): Finding[] {
  const own = packageVersion();
  const findings: Finding[] = [];
  if (status.version === own) findings.push(ok("daemon", `answers: pid ${status.pid}, version ${own}`));
  else
    findings.push(
      warning(
        "daemon",
        `it is of version ${status.version}, this command is of ${own}`,
        `${lifeguard} daemon upgrade`,
        "agents go on; it says for how long nobody answered",
      ),
    );
  if (status.loop_stall_ms >= STALL_MS)
    findings.push(
      warning(
        "daemon",
        `its main loop was held up for ${(status.loop_stall_ms / 1_000).toFixed(1)} s since somebody last looked`,
        "uptime",
        "a machine with far more work than processors does that; if it has not, daemon.log says more",
      ),
    );
  return [...findings, ...keepersOf(status, lifeguard)];
}

/** Ages that prune is asked about, the mildest first. */
const AGES: readonly [word: string, ms: number][] = [
  ["1d", 86_400_000],
  ["1h", 3_600_000],
  ["1m", 60_000],
  ["0s", 0],
];

async function storeFindings(around: Surroundings, { store, client }: Answer): Promise<Finding[]> {
  const { paths, lifeguard } = around;
  const findings: Finding[] = [];
  const room = roomFor(paths.state);
  const level = store.trouble !== null && room?.level === "ok" ? "problem" : (room?.level ?? "ok");
  const what = [store.trouble === null ? "" : `the store: ${printable(store.trouble)}`, room?.what ?? ""].filter(Boolean).join("; ");
  if (level === "ok") findings.push(ok("disk", what));
  else findings.push({ check: "disk", level, what, ...(await roomRemedy(around, room?.free ?? 0, client)) });
  findings.push(...damageFindings(around, store));
  if (store.unsupported.length > 0)
    findings.push(
      problem(
        "store",
        `${store.unsupported.length} files are of a newer lifeguard: ${store.unsupported.map(({ path }) => printable(path)).join(", ")}`,
        null,
        "they are left alone; run that version again",
      ),
    );
  if (store.foreign.length > 0)
    findings.push(
      warning(
        "store",
        `what does not belong there lies in ${join(paths.state, "store")}: ${store.foreign.map((path) => printable(path)).join(", ")}`,
        `mkdir -p ${quoted(join(paths.state, "foreign"))} && mv ${store.foreign.map((path) => quoted(join(paths.state, "store", path))).join(" ")} ${quoted(join(paths.state, "foreign"))} && ${lifeguard} daemon upgrade`,
        "it is moved beside the store and forgotten; the daemon looks again when it starts",
      ),
    );
  if (findings.length === 1)
    findings.push(
      ok(
        "store",
        `${counted(store.sessions, "session")}, ${store.queue.items === 1 ? "1 write waits" : `${store.queue.items} writes wait`}`,
      ),
    );
  return findings;
}

/** The mildest pruning that makes enough room; when none would, what else takes the room. */
async function roomRemedy({ paths, lifeguard }: Surroundings, free: number, client: Client): Promise<Pick<Finding, "remedy" | "note">> {
  const missing = Math.max(0, 16 * 1_048_576 - free);
  for (const [word, ms] of AGES) {
    try {
      const { bytes, removed } = await client.call("store.prune", { older_than_ms: ms, dry_run: true }, { deadlineMs: PATIENCE_MS });
      if (removed.length > 0 && bytes > missing)
        return {
          remedy: `${lifeguard} prune --older-than ${word}`,
          note: `forgets ended sessions and their files: ${briefBytes(bytes)}. --dry-run says which`,
        };
    } catch {
      break;
    }
  }
  return {
    remedy: `du -xh -d 2 ${quoted(paths.state)} | sort -h | tail`,
    note: "lifeguard has nothing old enough to remove: make room elsewhere on that disk",
  };
}

/** What is damaged stays told until a person has moved it out of quarantine and the daemon has looked again. */
function damageFindings({ paths, lifeguard }: Surroundings, { damaged }: StoreStatus): Finding[] {
  if (damaged.length === 0) return [];
  const where = join(paths.state, "store", "quarantine");
  const away = aside(join(paths.state, "quarantine"), existsSync);
  const named = damaged.slice(0, 5).map(({ path, reason }) => `${printable(path)} (${printable(reason)})`);
  const more = damaged.length > named.length ? `, and ${damaged.length - named.length} more` : "";
  const moved = damaged.some(({ quarantined_to }) => quarantined_to !== undefined);
  return [
    problem(
      "store",
      `${damaged.length} damaged: ${named.join(", ")}${more}`,
      `${moved ? `mv ${quoted(where)} ${quoted(away)} && ` : ""}${lifeguard} daemon upgrade`,
      "the generation before was used where there was one. Damage stays told until it is out of quarantine and the daemon has looked again",
    ),
  ];
}

/** The same without a daemon: what lies in quarantine. */
function leftDamage({ paths }: Surroundings): Finding[] {
  const room = roomFor(paths.state);
  const findings: Finding[] = [];
  if (room !== null && room.level !== "ok")
    findings.push({
      check: "disk",
      level: room.level,
      what: room.what,
      remedy: `du -xh -d 2 ${quoted(paths.state)} | sort -h | tail`,
      note: "with a daemon running, doctor says what could be pruned",
    });
  else if (room !== null) findings.push(ok("disk", room.what));
  const where = join(paths.state, "store", "quarantine");
  const files = namesIn(where).filter((name) => !name.endsWith(".reason"));
  if (files.length > 0)
    findings.push(
      problem(
        "store",
        `${files.length} damaged files are in quarantine: ${files.slice(0, 5).map(printable).join(", ")}`,
        `mv ${quoted(where)} ${quoted(aside(join(paths.state, "quarantine"), existsSync))}`,
        "kept for whoever wants to know why; nothing else reads them",
      ),
    );
  return findings;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
