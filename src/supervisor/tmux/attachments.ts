/** The control clients of the sessions that tmux has: one each, ended when its session is let go of, started again when tmux ends it. */
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../log.js";
import { ControlClient } from "../../tmux/client.js";
import { deferred, type SessionEntry } from "../entry.js";
import type { TmuxPlace } from "./place.js";
import { Rooms } from "./rooms.js";
import type { Servers } from "./servers.js";

/** One that ends sooner than this is not started again at once. */
const STEADY_MS = 5_000;
/** tmux lets a client in within milliseconds, unless it hangs. */
const WELCOME_MS = 2_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

interface Held {
  client: ControlClient | null;
  since: number;
  /** In a row that ended soon. */
  short: number;
  retry: NodeJS.Timeout | null;
  /** Tells that tmux has let it in, or that it has ended. */
  settled: () => void;
  /** Resolves at that. */
  in: Promise<void>;
}

export class Attachments {
  readonly #servers: Servers;
  readonly #log: Log;
  readonly #cut: (entry: SessionEntry) => void;
  readonly #held = new Map<SessionEntry, Held>();
  readonly #rooms = new Map<string, Rooms>();

  /** @param cut a session's client has ended by itself, and it is time to look why */
  constructor(servers: Servers, log: Log, cut: (entry: SessionEntry) => void) {
    this.#servers = servers;
    this.#log = log;
    this.#cut = cut;
  }

  /** @returns the actor's end of a new client; an older one of this session is ended */
  async open(entry: SessionEntry): Promise<number> {
    const { tmux } = entry;
    if (tmux === null) throw new Error(`${entry.id} is not tmux's`);
    const settled = await this.#roomsOf(tmux.socket).enter("coming");
    try {
      return this.#open(entry, tmux, settled);
    } catch (error) {
      settled();
      throw error;
    }
  }

  #open(entry: SessionEntry, tmux: TmuxPlace, settled: () => void): number {
    const short = this.#held.get(entry)?.short ?? 0;
    this.end(entry);
    const { promise, resolve } = deferred();
    const both = (): void => {
      settled();
      resolve();
    };
    const held: Held = { client: null, since: performance.now(), short, retry: null, settled: both, in: promise };
    const { client, line } = ControlClient.attach({
      program: this.#servers.program,
      socket: tmux.socket,
      session: tmux.session,
      env: this.#servers.clientEnv,
      ended: () => this.#ended(entry, held),
    });
    held.client = client;
    this.#held.set(entry, held);
    return line;
  }

  /** A client is there, or will be as soon as it is time. */
  has(entry: SessionEntry): boolean {
    return (this.#held.get(entry)?.client ?? null) !== null;
  }

  /** Its client has been let in. */
  joined(entry: SessionEntry): void {
    this.#held.get(entry)?.settled();
  }

  /**
   * Resolves when its client has been let in or has ended, or after a while: whoever has had an answer to `adopt` may do anything
   * with the server without meeting a client of ours on its way in.
   */
  async welcomed(entry: SessionEntry): Promise<void> {
    const waited = new AbortController();
    await Promise.race([this.#held.get(entry)?.in, delay(WELCOME_MS, undefined, { signal: waited.signal }).catch(() => undefined)]);
    waited.abort();
  }

  /** Does what makes clients of this server go, while none comes. */
  async going<T>(socket: string, work: () => Promise<T>): Promise<T> {
    const leave = await this.#roomsOf(socket).enter("going");
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Resolves when its client has gone, however. */
  async gone(entry: SessionEntry): Promise<void> {
    await this.#held.get(entry)?.client?.gone;
  }

  #roomsOf(socket: string): Rooms {
    let rooms = this.#rooms.get(socket);
    if (rooms === undefined) this.#rooms.set(socket, (rooms = new Rooms()));
    return rooms;
  }

  end(entry: SessionEntry): void {
    const held = this.#held.get(entry);
    if (held === undefined) return;
    this.#held.delete(entry);
    if (held.retry !== null) clearTimeout(held.retry);
    held.settled();
    held.client?.end();
  }

  stop(): void {
    for (const entry of [...this.#held.keys()]) this.end(entry);
  }

  #ended(entry: SessionEntry, held: Held): void {
    if (this.#held.get(entry) !== held) return;
    held.client = null;
    held.settled();
    held.short = performance.now() - held.since < STEADY_MS ? held.short + 1 : 0;
    this.#log.debug({ session: entry.id, epoch: entry.epoch, phase: "tmux", short: held.short }, "a tmux client has ended");
    // Never at once: the server may not be through with the old one (rooms.ts).
    const wait = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.max(0, held.short - 1));
    held.retry = setTimeout(() => {
      held.retry = null;
      this.#cut(entry);
    }, wait);
  }
}
