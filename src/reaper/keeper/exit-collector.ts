/**
 * The one waiter. Called on SIGCHLD and every 250 ms (signals may be joined into one, and adopted processes send none).
 *
 * A session's zombie is kept until the daemon has acknowledged its status: as long, nobody else gets its number. Every other
 * child (an orphan that came to us, the subreaper) is reaped at once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { peekAnyExit, peekExit, reap } from "../../libc/processes.js";
import type { Log } from "../../log.js";
import type { Kept, KeptTable } from "./kept.js";

export class ExitCollector {
  readonly #table: KeptTable;
  readonly #exited: (kept: Kept) => void;
  readonly #log: Log;

  constructor(table: KeptTable, exited: (kept: Kept) => void, log: Log) {
    this.#table = table;
    this.#exited = exited;
    this.#log = log;
  }

  collect(): void {
    for (;;) {
      const status = peekAnyExit();
      if (status === null) break;
      if (this.#take(status.pid)) continue;
      // A kept zombie: waitid would name it again and again, whoever else has ended.
      this.#lookAtEachChild();
      break;
    }
    this.#lookAtAdopted();
  }

  /** From a spawner that waits itself: the process is already collected. */
  settle(kept: Kept, status: { code: number | null; signal: number | null }): void {
    if (kept.exit !== null) return;
    kept.exit = { code: status.code, signal: status.signal, at: Date.now() };
    this.#log.info(
      { session: kept.session, process: kept.pid, code: status.code, signal: status.signal, phase: "exit" },
      "a session's process ended",
    );
    if (kept.waiter.by !== "child") this.#table.forgetPid(kept);
    this.#exited(kept);
  }

  /** Deals with one ended child. False when it stays as it is: a kept zombie, or the spawner's to collect. */
  #take(pid: number): boolean {
    const kept = this.#table.byPid(pid);
    if (kept === undefined) return reap(pid) !== null;
    if (kept.waiter.by !== "child" || kept.exit !== null) return false;
    const status = peekExit(pid);
    if (status === null) return false;
    this.settle(kept, status);
    return false;
  }

  #lookAtEachChild(): void {
    for (const pid of childrenOf("self")) {
      // A thousand kept zombies are a thousand look-ups, not a thousand system calls.
      const known = this.#table.byPid(pid);
      if (known !== undefined && known.exit !== null) continue;
      if (peekExit(pid) !== null) this.#take(pid);
    }
  }

  #lookAtAdopted(): void {
    for (const kept of this.#table.all()) {
      if (kept.waiter.by !== "handle" || kept.exit !== null) continue;
      if (kept.waiter.handle === null || kept.waiter.handle.gone()) this.settle(kept, { code: null, signal: null });
    }
  }
}

/** Children of all threads of a process; empty where the system has no such list. */
export function childrenOf(pid: number | "self"): number[] {
  const children: number[] = [];
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return children;
  }
  for (const thread of threads) {
    let list: string;
    try {
      list = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1");
    } catch {
      continue;
    }
    for (const child of list.split(" ")) if (child !== "") children.push(Number(child));
  }
  return children;
}
