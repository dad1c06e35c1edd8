/**
 * Ending a session: the one ladder, and nobody else calls kill. HUP, grace, TERM, grace, KILL, for the whole tree; gone is done.
 *
 * A process gets each rung's signal once, followed by CONT, so that a stopped one hears it. New members of the tree are looked for
 * at every rung and whenever all known ones are gone; the tree is gone when two looks in a row find nobody. Signals go to handles
 * that cannot name another process (process-handle.ts).
 */
import { constants } from "node:os";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { ProcessHandle } from "./process-handle.js";
import { readProcessTable } from "./process-tree.js";
import type { ProcessTable, TreeQuery } from "./process-tree.js";
import { Turnstile } from "./turnstile.js";

export interface KillOrder extends TreeQuery {
  /** How long each of HUP and TERM may take. */
  graceMs: number;
  /** All together. */
  deadlineMs: number;
}

export interface KillOutcome {
  /** How many processes were ended. */
  processes: number;
  /** Pids still there at the deadline: they hang in the kernel, or may not be signalled. */
  left: number[];
}

const { SIGHUP, SIGTERM, SIGKILL, SIGCONT, SIGSTOP } = constants.signals;

/** Handles are asked this often; the process table is read again only when they are all gone, or after the second figure. */
const POLL_MS = 10;
const RESCAN_MS = 500;
const KILL_RESCAN_MS = 50;

export async function killTree(order: KillOrder): Promise<KillOutcome> {
  const tree = new Tree(order);
  const deadline = performance.now() + order.deadlineMs;
  try {
    for (const signal of [SIGHUP, SIGTERM]) {
      const until = Math.min(deadline, performance.now() + order.graceMs);
      if (await tree.gone(until, RESCAN_MS, () => tree.signal(signal, SIGCONT))) return tree.outcome();
    }
    // Stopped first, all of them: one that forks faster than we look cannot go on while the others are dealt with.
    await tree.gone(deadline, KILL_RESCAN_MS, async () => {
      tree.signal(SIGSTOP);
      await tree.look();
      tree.signal(SIGSTOP);
      tree.signal(SIGKILL);
    });
    return tree.outcome();
  } finally {
    tree.close();
  }
}

/**
 * Sends one signal to a terminal's foreground process group, which the caller has just asked the terminal for; no escalation.
 * @returns false when there is no such group any more
 */
export function signalForeground(group: number, signal: number): boolean {
  if (group <= 1) return false;
  try {
    return process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** A thousand trees that wait for the same table must not hold up the loop together. */
const SLICE_MS = 4;
const turns = new Turnstile(1);
let sliceStart = 0;

async function inTurn(body: () => void): Promise<void> {
  await turns.pass(async () => {
    if (performance.now() - sliceStart > SLICE_MS) {
      await turn();
      sliceStart = performance.now();
    }
    body();
  });
}

interface Target {
  handle: ProcessHandle;
  startTime: number | null;
  /** Signals it has had. */
  sent: Set<number>;
}

class Tree {
  readonly #query: TreeQuery;
  readonly #living = new Map<number, Target>();
  #ended = 0;

  constructor(query: TreeQuery) {
    this.#query = query;
  }

  /**
   * Looks for members, does `act` to them, and waits until they are gone; again for those that turn up later.
   * @returns false when `until` has come first
   */
  async gone(until: number, rescanMs: number, act: () => void | Promise<void>): Promise<boolean> {
    let emptyLooks = 0;
    for (;;) {
      await this.look();
      if (this.#living.size === 0) {
        if (++emptyLooks >= 2) return true;
        continue;
      }
      emptyLooks = 0;
      await act();
      const rescan = Math.min(until, performance.now() + rescanMs);
      do {
        await sleep(POLL_MS);
        this.#sweep();
      } while (this.#living.size > 0 && performance.now() < rescan);
      if (this.#living.size > 0 && performance.now() >= until) return false;
    }
  }

  /** Brings the list of living members up to date. */
  async look(): Promise<void> {
    const table = await readProcessTable();
    await inTurn(() => this.#take(table));
  }

  #take(table: ProcessTable): void {
    for (const pid of table.members(this.#query, this.#living)) {
      if (this.#living.has(pid)) continue;
      const startTime = table.startTime(pid);
      const handle = ProcessHandle.open(pid, startTime);
      if (handle === null) continue;
      if (handle.gone()) handle.close();
      else this.#living.set(pid, { handle, startTime, sent: new Set() });
    }
    this.#sweep();
  }

  signal(...signals: number[]): void {
    for (const { handle, sent } of this.#living.values()) {
      for (const signal of signals) {
        if (sent.has(signal)) continue;
        sent.add(signal);
        try {
          handle.signal(signal);
        } catch {
          // Not ours to signal (a setuid program): if it stays, the outcome names it.
        }
      }
    }
  }

  outcome(): KillOutcome {
    return { processes: this.#ended, left: [...this.#living.keys()] };
  }

  close(): void {
    for (const { handle } of this.#living.values()) handle.close();
  }

  #sweep(): void {
    for (const [pid, { handle }] of this.#living) {
      if (!handle.gone()) continue;
      handle.close();
      this.#living.delete(pid);
      this.#ended++;
    }
  }
}
