/**
 * The daemon's side of the keepers: every session's process, master and exit status, whichever keeper holds it.
 *
 * How to use it:
 *   const custody = new Custody({ runtime, state, version, spawner, log, listener });
 *   for (const kept of await custody.open()) …          // sessions that outlived the last daemon, exits included
 *   await custody.masters(live, (session, master) => …)  // takes their lease: from here on nobody else reads them
 *   const { pid, master } = await custody.spawn(order);  // or start one: the lease is ours from birth
 *   … listener.exited(session, exit) … drain … await custody.acknowledge(session)   // zombie reaped, masters closed, forgotten
 *   await custody.release(session, offset)               // polite goodbye: the keeper reads from now
 *   custody.close()
 *
 * A master handed out here belongs to custody, which needs it to replace a lost keeper: whoever reads or writes it takes a
 * `duplicate(master)` and closes that. It is valid until `acknowledge` or `close`.
 */
import type { WaitStatus } from "../libc/libc.js";
import type { Log } from "../log.js";
import type { TerminalSize } from "../session.js";
import type { SpoolOptions } from "../spool/spool.js";

/** How a process ended. `code` and `signal` both null: nobody knows, because the keeper that would know died. */
export interface KeptExit extends WaitStatus {
  /** When the keeper saw it, ms since 1970. */
  at: number;
}

/** A session as a keeper holds it. */
export interface KeptSession {
  /** The number in its id. */
  session: number;
  pid: number;
  /** What `spawn` or `setRecord` stored. */
  record: Uint8Array;
  slot: number;
  /** Of the lease: grows by one each time a daemon takes it. */
  generation: number;
  /** Ended while nobody looked. */
  exit: KeptExit | null;
  /** True when `exit` has no status. */
  statusLost: boolean;
  exitedAt: number | null;
}

export interface SpawnOrder {
  session: number;
  /** The session's slot in the in-flight file. */
  slot: number;
  /** At most BOUNDS.keeperRecordBytes; stored before the process is started. */
  record: Uint8Array;
  /** The session's directory (spool, index, snapshot); exists, 0700. */
  directory: string;
  spool: SpoolOptions;
  /** Absolute path of the program. */
  file: string;
  /** The whole argument vector, the program's own name first. */
  argv: string[];
  /** `NAME=value`: the whole environment. Must carry LIFEGUARD_SESSION and LIFEGUARD_SOCKET for the kill ladder to find strays. */
  env: string[];
  cwd: string;
  size: TerminalSize;
  nofileSoft: number;
  umask: number;
}

/** Called from the main thread's event loop, never from inside a call of Custody. */
export interface CustodyListener {
  /** Once per session and life of the daemon; not for exits that `open` already returned. */
  exited(session: number, exit: KeptExit): void;
  /** A keeper died; its sessions run on. Their exit statuses will be lost. A new one is being started. */
  keeperLost(sessions: number[]): void;
  /** The new keeper has all masters of the lost one. */
  keeperReplaced(pid: number): void;
}

export interface CustodyOptions {
  runtime: string;
  state: string;
  /** The package's version: a keeper of another version drains beside one of ours. */
  version: string;
  spawner: "auto" | "posix" | "node-pty";
  log: Log;
  listener: CustodyListener;
  /** Starts a keeper for `runtime`; the default starts it detached. Resolves when it listens, or soon before. */
  startKeeper?: () => Promise<void>;
}

export interface KeeperStatus {
  pid: number;
  version: string;
  sessions: number;
  /** True when it is of another version: it gets no new sessions. */
  draining: boolean;
}

const NOT_YET = "not built yet";

export class Custody {
  constructor(options: CustodyOptions) {
    void options;
  }
  /**
   * Finds every keeper (stale sockets are removed only after a connect was refused), starts one when none is of our version.
   * @returns all sessions of all keepers
   */
  async open(): Promise<KeptSession[]> {
    throw new Error(NOT_YET);
  }
  /**
   * @throws LifeguardError SPAWN_FAILED {errno, syscall}, LIMIT (record too long), TIMEOUT, UNAVAILABLE (no keeper to be had)
   */
  async spawn(order: SpawnOrder): Promise<{ pid: number; master: number }> {
    throw new Error(NOT_YET + order.session);
  }
  /** Takes the lease of these sessions; `take` is called once for each, as its master arrives. */
  async masters(sessions: number[], take: (session: number, master: number) => void): Promise<void> {
    throw new Error(NOT_YET + sessions.length + take.name);
  }
  async setRecord(session: number, record: Uint8Array): Promise<void> {
    throw new Error(NOT_YET + session + record.length);
  }
  /** The exit has been dealt with: the keeper reaps the zombie, both sides close the master, the session is forgotten. */
  async acknowledge(session: number): Promise<void> {
    throw new Error(NOT_YET + session);
  }
  /** We have stopped reading at `offset`: the keeper may read from now. `masters` takes the lease back. */
  async release(session: number, offset: number): Promise<void> {
    throw new Error(NOT_YET + session + offset);
  }
  /** The pid of a session's process; null when we do not hold it. */
  pidOf(session: number): number | null {
    throw new Error(NOT_YET + session);
  }
  keeperPids(): number[] {
    return [];
  }
  /** True once a keeper was lost in this daemon's life: strays of its sessions have no known parent any more. */
  get keeperWasLost(): boolean {
    return false;
  }
  status(): KeeperStatus[] {
    return [];
  }
  /** Disconnects. The keepers and the sessions go on. */
  close(): void {}
}
