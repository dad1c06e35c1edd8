/** The control clients of the sessions that tmux has: one each, ended when its session is let go of, started again when tmux ends it. */
import type { Log } from "../../log.js";
import { ControlClient } from "../../tmux/client.js";
import type { SessionEntry } from "../entry.js";
import type { Servers } from "./servers.js";

/** One that ends sooner than this is not started again at once. */
const STEADY_MS = 5_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

interface Held {
  client: ControlClient | null;
  since: number;
  /** In a row that ended soon. */
  short: number;
  retry: NodeJS.Timeout | null;
}

export class Attachments {
  readonly #servers: Servers;
  readonly #log: Log;
  readonly #cut: (entry: SessionEntry) => void;
  readonly #held = new Map<SessionEntry, Held>();

  /** @param cut a session's client has ended by itself, and it is time to look why */
  constructor(servers: Servers, log: Log, cut: (entry: SessionEntry) => void) {
    this.#servers = servers;
    this.#log = log;
    this.#cut = cut;
  }

  /** @returns the actor's end of a new client; an older one of this session is ended */
  open(entry: SessionEntry): number {
    const { tmux } = entry;
    if (tmux === null) throw new Error(`${entry.id} is not tmux's`);
    const short = this.#held.get(entry)?.short ?? 0;
    this.end(entry);
    const held: Held = { client: null, since: performance.now(), short, retry: null };
    const { client, line } = ControlClient.attach({
      program: this.#servers.program,
      socket: tmux.socket,
      session: tmux.session,
      env: this.#servers.env,
      ended: () => this.#ended(entry, held),
    });
    held.client = client;
    this.#held.set(entry, held);
    return line;
  }

  /** A client is there, or will be as soon as it is time. */
  has(entry: SessionEntry): boolean {
    return this.#held.get(entry)?.client != null;
  }

  end(entry: SessionEntry): void {
    const held = this.#held.get(entry);
    if (held === undefined) return;
    this.#held.delete(entry);
    if (held.retry !== null) clearTimeout(held.retry);
    held.client?.end();
  }

  stop(): void {
    for (const entry of [...this.#held.keys()]) this.end(entry);
  }

  #ended(entry: SessionEntry, held: Held): void {
    if (this.#held.get(entry) !== held) return;
    held.client = null;
    held.short = performance.now() - held.since < STEADY_MS ? held.short + 1 : 0;
    this.#log.debug({ session: entry.id, epoch: entry.epoch, phase: "tmux", short: held.short }, "a tmux client has ended");
    const wait = held.short <= 1 ? 0 : Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (held.short - 2));
    held.retry = setTimeout(() => {
      held.retry = null;
      this.#cut(entry);
    }, wait);
  }
}
