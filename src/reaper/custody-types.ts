/** What goes in and out of custody (custody.ts). */
import type { WaitStatus } from "../libc/processes.js";
import type { TerminalSize } from "../session.js";
import type { SpoolOptions } from "../spool/spool.js";
import type { FleetOptions } from "./keeper-fleet.js";

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
  /** A keeper that had not answered a spawn in time has carried it out since. Nobody knows the process: it is to be ended. */
  bornTooLate(session: number, pid: number): void;
  /** A keeper died; its sessions run on. Their exit statuses will be lost. A new one is being started. */
  keeperLost(sessions: number[]): void;
  /** The new keeper has all masters of the lost one. */
  keeperReplaced(pid: number): void;
}

export interface CustodyOptions extends FleetOptions {
  listener: CustodyListener;
}

export interface KeeperStatus {
  pid: number;
  version: string;
  sessions: number;
  /** True when it is of another version: it gets no new sessions. */
  draining: boolean;
}
