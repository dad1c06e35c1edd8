/** Keeps the sessions that `top` shows: one list, then the events after it; listed again only when an event does not say enough. */
import { LifeguardError, messageOf } from "../../errors.js";
import type { Client, SessionSummary } from "../../rpc/client.js";
import type { TopStatus } from "./top-state.js";
import { applied } from "./top-events.js";
import type { SeenEvent } from "./top-events.js";

/** Never listed more often, however much happens. */
const LIST_MS = 1_000;
/** Memory and threads, and a list for what has no event. */
const STATUS_MS = 5_000;

export interface FeedListener {
  sessions(sessions: ReadonlyMap<string, SessionSummary>): void;
  status(status: TopStatus): void;
  /** null: all is well again. */
  trouble(words: string | null): void;
}

export class TopFeed {
  readonly #client: Client;
  readonly #listener: FeedListener;
  #sessions: ReadonlyMap<string, SessionSummary> = new Map();
  #events: ReturnType<Client["events"]> | null = null;
  #listTimer: NodeJS.Timeout | undefined;
  #statusTimer: NodeJS.Timeout | undefined;
  #listedAt = -LIST_MS;
  #undo: (() => void)[] = [];
  #stopped = false;

  constructor(client: Client, listener: FeedListener) {
    this.#client = client;
    this.#listener = listener;
  }

  /** @throws LifeguardError when the first list fails */
  async start(): Promise<void> {
    this.#undo = [
      this.#client.onConnection("disconnected", () => this.#listener.trouble("the daemon is gone; waiting for the next one")),
      this.#client.onConnection("connected", () => {
        this.#listener.trouble(null);
        this.#listSoon();
      }),
    ];
    // Events first: what happens between the two is in both, and nothing is in neither.
    this.#events = this.#client.events();
    await this.#events.ready;
    void this.#follow(this.#events);
    await this.list();
    await this.status();
    this.#statusTimer = setInterval(() => {
      this.status().catch(() => undefined);
      this.#listSoon();
    }, STATUS_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#listTimer);
    clearInterval(this.#statusTimer);
    for (const undo of this.#undo.splice(0)) undo();
    void this.#events?.return();
  }

  async list(): Promise<void> {
    this.#listedAt = performance.now();
    const { sessions } = await this.#client.call("session.list", {});
    if (this.#stopped) return;
    this.#sessions = new Map(sessions.map((session) => [session.id, session]));
    this.#listener.sessions(this.#sessions);
  }

  async status(): Promise<void> {
    const status = await this.#client.call("daemon.status");
    if (this.#stopped) return;
    this.#listener.status({
      daemonRss: status.memory.daemon_rss,
      keeperRss: status.memory.keeper_rss,
      threads: status.threads.length,
      uptimeMs: status.uptime_ms,
    });
  }

  async #follow(events: ReturnType<Client["events"]>): Promise<void> {
    try {
      for await (const event of events) {
        if (this.#stopped) return;
        const next = event.kind === "events.gap" ? "list" : applied(this.#sessions, event as SeenEvent);
        if (next === "list") this.#listSoon();
        else if (next !== this.#sessions) {
          this.#sessions = next;
          this.#listener.sessions(next);
        }
      }
    } catch (error) {
      if (!this.#stopped) this.#listener.trouble(`events stopped: ${messageOf(error)}`);
    }
  }

  #listSoon(): void {
    if (this.#listTimer !== undefined || this.#stopped) return;
    this.#listTimer = setTimeout(
      () => {
        this.#listTimer = undefined;
        this.list().catch((error: unknown) => {
          if (!(error instanceof LifeguardError && error.name === "UNAVAILABLE")) this.#listener.trouble(messageOf(error));
        });
      },
      Math.max(0, this.#listedAt + LIST_MS - performance.now()),
    );
  }
}
