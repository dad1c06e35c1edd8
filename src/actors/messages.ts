/**
 * The mailbox: what the supervisor may ask of an actor thread, and what a thread posts by itself. Both directions in one file.
 * Never versioned: both sides ship together. A change here is a change in `thread.ts` (callee) and `pool.ts` (caller).
 *
 * Calls go through comlink over one msgpackr endpoint per thread; every call names its session, because one thread hosts many
 * actors. A call for a session the thread does not host is rejected with NOT_FOUND; a full mailbox is rejected with BUSY.
 */
import type { MessagePort } from "node:worker_threads";
import type { ErrorData, ErrorName } from "../errors.js";
import type { Explanation } from "../explanation.js";
import type { ProfileSet, RuleState } from "../profiles/profile.js";
import type { DeliveryStep } from "./prompt-delivery.js";
import type { Evidence, Health, SessionState, TerminalSize } from "../session.js";
import type { ThreadFiguresReading } from "./thread-figures.js";

/** Everything an actor needs to begin. All but `profiles` is sent as the piscina task's argument, by structured clone. */
export interface ActorStart {
  /** The session's id, `sess_<n>`. */
  id: string;
  epoch: number;
  /** The actor's own duplicate of the pty master, or its end of a tmux control client. It owns it from here on. */
  master: number;
  /** The tmux session that `master` leads to; null: it is a pty's. */
  tmux: TmuxTarget | null;
  /** Directory of the session: spool, index, snapshot. Exists, 0700. */
  directory: string;
  /** The session's slot in the in-flight file. */
  slot: number;
  /** Size the process was started with; a size in the spool's index that is newer wins. */
  size: TerminalSize;
  /** The process that the session runs, for foreground detection. */
  pid: number;
  /** True when the process has just been started: an epoch mark goes into the index and the terminal starts blank. False when an actor continues one. */
  fresh: boolean;
  /** Why an actor continues a session: the thread it ran in was lost, or the daemon was. Said in `ready`. Null: nothing was lost. */
  continues: "worker" | "daemon" | null;
  /** False after repeated deaths of its thread: bytes are spooled, nothing is parsed, health is `degraded`. */
  terminal: boolean;
  /** The tool that the session was made for, by its profile's name. */
  tool: string | null;
  /** What is known of tools: the thread's one copy of it. */
  profiles: ProfileSet;
  settings: ActorSettings;
}

/** One tmux session of one life of one server. */
export interface TmuxTarget {
  /** `$3` */
  session: string;
  /** Seconds since 1970. */
  created: number;
  /** Pid of the server. */
  server: number;
}

/** What only tmux knows of a session. */
export type TmuxNews =
  /** tmux has let the client in. */
  | { kind: "joined" }
  | { kind: "renamed"; name: string }
  /** The active pane's first process is another: another pane, or the same one with a new program. */
  | { kind: "process"; pid: number }
  /** The active pane's program has ended, and tmux keeps the pane. `signal` by number. */
  | { kind: "dead"; code: number | null; signal: number | null }
  /** The client looks at another session than it was made for. */
  | { kind: "astray" };

export interface ActorSettings {
  historyLines: number;
  spoolBytes: number;
  spoolBusyBytes: number;
  inputQueueBytes: number;
  parkAfterMs: number;
  idleHoldMs: number;
  errorLingerMs: number;
  attentionAfterMs: number;
  promptConfirmMs: number;
}

/** `workerData` of every actor thread. */
export interface ThreadStart {
  /** Path of the in-flight file all slots live in. */
  inflightPath: string;
  /** Of precedence.ts: one for all threads. */
  precedence: SharedArrayBuffer;
}

/** A thread's first message to the main thread, through piscina's own port. */
export interface ThreadHello {
  lifeguardThread: number;
  /** Calls and events, see endpoint.ts. */
  port: MessagePort;
  /**
   * One Float64: the number of the session whose code runs, or ran last, in this thread; 0 when none did. It outlives the thread,
   * so that after a death the suspect is known. (No atomics: an aligned word is never torn, and nobody reads it in a hurry.)
   */
  suspect: SharedArrayBuffer;
}

/** What a thread is asked to run, as piscina tasks: an actor runs until it ends. */
export type ThreadTask =
  | {
      kind: "actor";
      start: Omit<ActorStart, "profiles">;
      /** Null: the set that this thread was sent before. A copy with each of a thousand starts took a third of their time, and stayed. */
      profiles: ProfileSet | null;
      /** One Int32, see {@link CLAIM}. */
      claim: SharedArrayBuffer;
      /** The main thread does not know which thread this comes to: {@link ActorBegun} tells it. */
      announce: boolean;
    }
  | { kind: "render"; render: RenderTask };

/**
 * Who closes the descriptor of an actor's start: the main thread while it is OFFERED, the actor once it is TAKEN. A start that
 * was given up is WITHDRAWN, and a thread that comes upon it later leaves it alone.
 */
export const CLAIM = { offered: 0, taken: 1, withdrawn: 2 } as const;

/** A screen of a session that has no actor: its process has ended. */
export interface RenderTask {
  id: string;
  epoch: number;
  directory: string;
  request: ScreenRequest;
  /** Size where neither snapshot nor index has one. */
  size: TerminalSize;
  historyLines: number;
  /** What is known to have been written: files that end before it have lost something. */
  offset: number;
  /** Takes the place of a snapshot that is not there, or is older. */
  checkpoint: { terminal: Uint8Array; epoch: number; offset: number } | null;
}

/** `whole`: nothing is missing between where it began and the end of its output. */
export interface EndedScreen extends Screen {
  whole: boolean;
  fromCheckpoint: boolean;
}

/** What a render task answers with. Tasks come back by structured clone, which takes an error's class from it: so it is data. */
export type Rendered = { screen: EndedScreen } | { problem: { name: ErrorName; message: string; data: ErrorData } };

export type ScreenFormat = "text" | "ansi" | "html" | "svg" | "restore";

export interface ScreenRequest {
  format: ScreenFormat;
  /** Lines of history above the screen to include; `restore` always carries all of it. */
  scrollback: number;
}

/** A screen and the offset it belongs to: of the same instant. */
export interface Screen {
  epoch: number;
  offset: number;
  cols: number;
  rows: number;
  cursor: { x: number; y: number; visible: boolean };
  alternate: boolean;
  title: string;
  /** The rendering in the format asked for. `restore` is bytes that recreate it all in a fresh terminal of the same size. */
  content: string;
  /** True when `scrollback` asked for more history than there is held. */
  truncated: boolean;
  /** The checkpoint that it is from, because the session's own files do not make it. */
  checkpoint?: string;
}

/** Raw output from an offset. `offset` is where `data` begins; `gap` bytes before it are no longer held. */
export interface ReadResult {
  offset: number;
  data: Uint8Array;
  next: number;
  gap: number;
}

/** What a hook, a plugin or an engine has said, as evidence for the state. The supervisor has checked where it comes from. */
export interface Report {
  source: string;
  /** The tool's own name of what has happened. */
  event: string;
  /** Where the reporter itself is sure; null: the profile's table of events decides. */
  state: RuleState | null;
  detail: string;
  /** When it happened, ms since 1970. */
  at: number;
  /** The profile's name of the tool it is about, null when that was not said. */
  tool: string | null;
  /** The reporter is of the session: it runs inside it, or has its environment. */
  own: boolean;
}

export interface ActorApi {
  /** Bytes for the program. Takes what fits into the input queue: fewer than given means BUSY to the caller. */
  input(id: string, data: Uint8Array): { accepted: number };
  /** tmux's key names (`C-c`, `Up`, `Enter`, `M-x`, `F5`; anything else is typed as it is), encoded in the modes the program has set (application cursor keys, kitty) and queues them. */
  keys(id: string, keys: string[]): { accepted: number };
  /** Text as a paste: bracketed when the program asked for it, line ends as the terminal sends them. All or nothing. */
  paste(id: string, text: string): { accepted: number };
  /**
   * Delivers a prompt's text (prompt-text.ts says what may be one) with proof. Resolves when it has been handed to the terminal; what becomes of it is
   * posted as `prompt` events. Rejected (BLOCKED, BUSY, UNSUPPORTED, INVALID_PARAMS, UNAVAILABLE): nothing was typed.
   */
  prompt(id: string, delivery: string, text: string, lossy: boolean): Promise<void>;
  /** Resizes pty and terminal at the present offset, which is returned. @throws UNSUPPORTED where others look at a tmux session */
  resize(id: string, size: TerminalSize): { offset: number } | Promise<{ offset: number }>;
  /** A redraw of the same size (a resize there and back), for a program whose screen may be stale. */
  nudge(id: string): void;
  screen(id: string, request: ScreenRequest): Promise<Screen>;
  read(id: string, since: number, max: number): ReadResult;
  /** The whole terminal, packed, and the offset it belongs to; null while it is between two halves of a sequence, or has no terminal. */
  snapshot(id: string): Promise<{ offset: number; bytes: Uint8Array } | null>;
  /** Begins posting `output` events from `since` (absent: from now); returns where it begins. `gap` bytes before it are lost. */
  watch(id: string, since: number | null): { offset: number; gap: number };
  unwatch(id: string): void;
  /** The main thread has taken watched output up to here; the actor keeps at most BOUNDS.watchCreditBytes beyond it under way. */
  credit(id: string, offset: number): void;
  /** Why the state is what it is, looked at anew. */
  explain(id: string): Explanation;
  /** Reports, in the order in which they came. */
  report(id: string, reports: Report[]): void;
  /** The last words on the screen, at most `chars` (and 2 000): lines that are not blank. Of a terminal that is not at hand, those it had. */
  tail(id: string, chars: number): string;
  /** Profiles have changed. */
  profiles(id: string, set: ProfileSet): void;
  /** A person has looked at the session: a finished command no longer asks for attention. */
  seen(id: string): void;
  /** True: an attached terminal answers the program's queries, and the actor keeps silent. */
  leaveAnswers(id: string, toAttached: boolean): void;
  /** The process has ended: read what is left (until EAGAIN or EIO, at most what a terminal can hold), write the final snapshot. */
  drain(id: string): Promise<{ offset: number }>;
  /** Stops reading, everything taken is in the spool and the in-flight slot is clean: another process may read from here. */
  release(id: string): Promise<{ offset: number }>;
  /** Ends the actor: stream destroyed, its master closed, its task done. The process is not touched. */
  stop(id: string): Promise<void>;
  /** What the main thread asks once a second; no answer within two makes the thread's sessions `unresponsive`. */
  ping(): ThreadVitals;
  /** A fault on purpose, for tests only: refused unless the thread's environment has LIFEGUARD_FAULTS=1. */
  fault(id: string, kind: FaultKind): void;
}

/** In a session's thread, or (the last one) in its actor alone. */
export type FaultKind = "throw" | "heap" | "hang" | "throw-in-actor";

export interface ThreadVitals {
  heapBytes: number;
  actors: number;
  /** Of these, with a terminal that is packed away. */
  parked: number;
  /** How often this thread has collected its garbage: when it grows, freed memory can go back to the system. */
  collections: number;
  /** Since the thread's start. */
  figures: ThreadFiguresReading;
}

/** Posted before an actor's first event: says which thread a task has come to. Ends in pool.ts. */
export interface ActorBegun {
  type: "begun";
  id: string;
}

/** What an actor tells unasked. The supervisor's table is kept from these; it never polls. */
export type ActorEvent =
  | {
      type: "ready";
      id: string;
      epoch: number;
      offset: number;
      size: TerminalSize;
      recovery: { from: "worker" | "daemon"; lostBytes: number } | null;
    }
  | { type: "state"; id: string; state: SessionState; evidence: Evidence }
  /** The tool in front, null when none is known; and what its conversations may hold, in tokens. */
  | { type: "tool"; id: string; tool: string | null; contextLimit: number | null }
  | { type: "title"; id: string; title: string }
  | { type: "cwd"; id: string; cwd: string }
  /** The foreground command, null when the shell is in front. */
  | { type: "current"; id: string; command: string | null }
  /** A command of a shell with OSC 133 has ended. */
  | { type: "command"; id: string; command: string | null; exit: number | null; durationMs: number | null }
  | { type: "bell"; id: string }
  | { type: "notification"; id: string; title: string; body: string }
  /** What becomes of the prompt whose delivery was called so, in order. */
  | ({ type: "prompt"; id: string; delivery: string } & DeliveryStep)
  | { type: "resized"; id: string; size: TerminalSize; offset: number }
  /** Position and time of the newest output: at most four a second per session, and once when it goes quiet. */
  | { type: "activity"; id: string; offset: number; at: number }
  /** Only while somebody watches. `at` is when the first of these bytes was read. */
  | { type: "output"; id: string; offset: number; data: Uint8Array; at: number }
  /** Watched output that was overwritten before it could be posted. */
  | { type: "gap"; id: string; from: number; to: number }
  | { type: "tmux"; id: string; news: TmuxNews }
  | { type: "health"; id: string; health: Exclude<Health, "unresponsive">; detail: string }
  /** The actor could not go on (an error of its own); the thread lives. The supervisor restarts it from snapshot and spool. */
  | { type: "failed"; id: string; message: string };

/** Calls that come with every key, and go past comlink: they answer at once. */
export function isWithEachKey(method: string): method is "input" | "credit" {
  return method === "input" || method === "credit";
}
