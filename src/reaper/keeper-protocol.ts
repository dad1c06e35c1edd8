/**
 * What a daemon and a keeper say to each other. Versioned from the first day: a keeper outlives the daemon that started it, so a
 * newer daemon speaks every protocol version since 1. A new optional field is no new version; a new call or a changed meaning is.
 *
 * A keeper listens on two sockets in the runtime directory, both 0600 in a 0700 directory, both refused to other users:
 *   keeper-<pid>.sock   control: frames (frames.ts). The daemon asks, the keeper answers; the keeper tells of exits unasked.
 *   keeper-<pid>.fd     descriptors: one message of 16 bytes (descriptor-tag.ts) with one master each, in either direction.
 * The daemon connects both, writes 16 random bytes (the token) on the second, then sends `hello` with the same token: so the
 * keeper knows which descriptor channel belongs to which control connection. A side reads descriptors only when a frame has told
 * it that they are there: the descriptor is always sent before the frame that speaks of it.
 *
 *   daemon → keeper   {id, call, ask}
 *   keeper → daemon   {re: id, answer} | {re: id, error: {message, code, syscall}}
 *   keeper → daemon   {event: "exited", body: ExitedEvent}
 *
 * The lease. A session's master is read by one process at a time. It is the daemon's from `spawn`, `masters` or `adopt` until
 * `release`, or until the daemon's *process* is gone: a closed connection alone hands nothing over.
 */
import { z } from "zod";
import { BOUNDS } from "../bounds.js";
import { DESCRIPTOR_MESSAGE_BYTES } from "../libc/sockets.js";

export const KEEPER_PROTOCOL = 1;
export const TOKEN_BYTES: number = DESCRIPTOR_MESSAGE_BYTES;

/** How a session's process ended; code and signal both null when the status is lost. `at` in ms since 1970. */
export interface ExitRecord {
  code: number | null;
  signal: number | null;
  at: number;
}

/** A session as the keeper holds it, complete enough for another keeper to go on with it. */
export interface KeptRecord {
  session: number;
  pid: number;
  /** Clock ticks since boot, from /proc/<pid>/stat; null where the system does not tell. */
  startTime: number | null;
  record: Uint8Array;
  slot: number;
  generation: number;
  directory: string;
  spool: { bytes: number; busyBytes: number };
  exit: ExitRecord | null;
}

export interface SpawnAsk {
  session: number;
  slot: number;
  record: Uint8Array;
  directory: string;
  spool: { bytes: number; busyBytes: number };
  file: string;
  argv: string[];
  env: string[];
  cwd: string;
  size: { cols: number; rows: number };
  nofileSoft: number;
  umask: number;
}

export interface SessionTag {
  session: number;
  generation: number;
}

export interface ExitedEvent extends ExitRecord {
  session: number;
}

type Nothing = Record<string, never>;

/** Every call: what is asked, what is answered. */
export interface Calls {
  /** The first call. `pid` is used only where the system does not tell the peer's. */
  hello: {
    ask: { protocol: number; version: string; token: Uint8Array; pid: number };
    answer: { protocol: number; version: string; pid: number };
  };
  /** Sessions with a number greater than `after`, ascending, at most about 1 MiB of them; `more` when that was not all. */
  list: { ask: { after: number }; answer: { sessions: KeptRecord[]; more: boolean } };
  /** Starts a process; its master is under way when the answer comes, unless `sent` is false (then ask `masters`). */
  spawn: { ask: SpawnAsk; answer: { pid: number; startTime: number | null; generation: number; sent: boolean } };
  /**
   * Takes the lease of at most BOUNDS.descriptorWindow sessions and sends their masters. `held`: another daemon's process still
   * lives, or the channel is full: ask again. `unknown`: no such session.
   */
  masters: { ask: { sessions: number[] }; answer: { sent: SessionTag[]; held: number[]; unknown: number[] } };
  /** Sessions of a keeper that died, at most BOUNDS.descriptorWindow; their masters have been sent before. */
  adopt: { ask: { sessions: KeptRecord[] }; answer: { adopted: SessionTag[] } };
  setRecord: { ask: { session: number; record: Uint8Array }; answer: Nothing };
  /** The daemon has stopped reading at `offset`: the keeper reads from now. An old generation is ignored. */
  release: { ask: { session: number; generation: number; offset: number }; answer: Nothing };
  /** The exit was dealt with: reap, close, forget. EBUSY while the process lives. Unknown sessions are fine. */
  acknowledge: { ask: { session: number }; answer: Nothing };
}

export type CallName = keyof Calls;
export type Ask<C extends CallName> = Calls[C]["ask"];
export type Answer<C extends CallName> = Calls[C]["answer"];

export interface AskFrame {
  id: number;
  call: string;
  ask: unknown;
}

export interface ErrorBody {
  message: string;
  /** An errno's name, or `PROTOCOL`. */
  code: string;
  syscall: string | null;
}

export type KeeperFrame = { re: number; answer: unknown } | { re: number; error: ErrorBody } | { event: "exited"; body: ExitedEvent };

// ---- parsers: frames come from another process, maybe of another version ------------------------------------------------

const count = z.int().min(0);
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array);
const record = bytes.refine((value) => value.length <= BOUNDS.keeperRecordBytes, `a record has at most ${BOUNDS.keeperRecordBytes} bytes`);
const text = z.string().refine((value) => !value.includes("\0"), "a NUL byte in a string for the system");
const path = text.refine((value) => value.startsWith("/"), "not an absolute path");
const spool = z.object({ bytes: z.int().positive(), busyBytes: z.int().positive() });
const tag = z.object({ session: count, generation: count });
const nothing: z.ZodType<Nothing> = z.object({});

const exitRecord: z.ZodType<ExitRecord> = z.object({ code: z.int().nullable(), signal: z.int().nullable(), at: z.number() });
const keptRecord: z.ZodType<KeptRecord> = z.object({
  session: count,
  pid: z.int().positive(),
  startTime: count.nullable(),
  record,
  slot: count,
  generation: count,
  directory: path,
  spool,
  exit: exitRecord.nullable(),
});

export const asks: { [C in CallName]: z.ZodType<Ask<C>> } = {
  hello: z.object({ protocol: z.int(), version: z.string(), token: bytes.refine((value) => value.length === TOKEN_BYTES), pid: z.int() }),
  list: z.object({ after: z.int() }),
  spawn: z.object({
    session: count,
    slot: count,
    record,
    directory: path,
    spool,
    file: path,
    argv: z.array(text).min(1),
    env: z.array(text),
    cwd: path,
    size: z.object({ cols: z.int().min(1).max(65_535), rows: z.int().min(1).max(65_535) }),
    nofileSoft: z.number().min(0),
    umask: z.int().min(0).max(0o777),
  }),
  masters: z.object({ sessions: z.array(count).max(BOUNDS.descriptorWindow) }),
  adopt: z.object({ sessions: z.array(keptRecord).max(BOUNDS.descriptorWindow) }),
  setRecord: z.object({ session: count, record }),
  release: z.object({ session: count, generation: count, offset: z.number().min(0) }),
  acknowledge: z.object({ session: count }),
};

export const answers: { [C in CallName]: z.ZodType<Answer<C>> } = {
  hello: z.object({ protocol: z.int(), version: z.string(), pid: z.int().positive() }),
  list: z.object({ sessions: z.array(keptRecord), more: z.boolean() }),
  spawn: z.object({ pid: z.int().positive(), startTime: count.nullable(), generation: count, sent: z.boolean() }),
  masters: z.object({ sent: z.array(tag), held: z.array(count), unknown: z.array(count) }),
  adopt: z.object({ adopted: z.array(tag) }),
  setRecord: nothing,
  release: nothing,
  acknowledge: nothing,
};

export const askFrame: z.ZodType<AskFrame> = z.object({ id: count, call: z.string(), ask: z.unknown() });

export const keeperFrame: z.ZodType<KeeperFrame> = z.union([
  z.object({
    event: z.literal("exited"),
    body: z.object({ session: count, code: z.int().nullable(), signal: z.int().nullable(), at: z.number() }),
  }),
  z.object({ re: count, error: z.object({ message: z.string(), code: z.string(), syscall: z.string().nullable() }) }),
  z.object({ re: count, answer: z.unknown() }),
]);

// ---- where keepers are --------------------------------------------------------------------------------------------------

const CONTROL_SOCKET = /^keeper-([1-9][0-9]{0,9})\.sock$/;

export function controlSocketName(pid: number): string {
  return `keeper-${pid}.sock`;
}

export function descriptorSocketName(pid: number): string {
  return `keeper-${pid}.fd`;
}

/** The pid in a control socket's name; null for another file. */
export function keeperPidOf(name: string): number | null {
  const match = CONTROL_SOCKET.exec(name);
  return match === null ? null : Number(match[1]);
}
