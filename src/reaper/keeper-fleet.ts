/** The keepers this daemon is connected to: those it found, those it started, the one that gets new sessions. */
import { setTimeout as sleep } from "node:timers/promises";
import { LifeguardError } from "../errors.js";
import type { Log } from "../log.js";
import type { KeeperLink, LinkListener } from "./keeper-link.js";
import { findKeepers } from "./keeper-scan.js";
import { startKeeper } from "./keeper-start.js";

export interface FleetOptions {
  runtime: string;
  state: string;
  /** The package's version: a keeper of another version drains beside one of ours. */
  version: string;
  spawner: "auto" | "posix" | "node-pty";
  log: Log;
  /** Starts a keeper for `runtime`; the default starts it detached. Resolves when it listens, or soon before. */
  startKeeper?: () => Promise<void>;
}

/** How long a started keeper may take to be found. At the bound: UNAVAILABLE. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

export class KeeperFleet {
  readonly #options: FleetOptions;
  readonly #listener: LinkListener;
  readonly #links = new Set<KeeperLink>();

  constructor(options: FleetOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
  }

  get links(): readonly KeeperLink[] {
    return [...this.#links];
  }

  /** The keeper that gets new sessions, if there is one. */
  get current(): KeeperLink | null {
    return this.links.find((link) => this.isOurs(link) && !link.closed) ?? null;
  }

  isOurs(link: KeeperLink): boolean {
    return link.version === this.#options.version;
  }

  /** Connects every keeper that is there and not connected. */
  async discover(): Promise<void> {
    const { runtime, version, log } = this.#options;
    const known = new Set(this.links.map((link) => link.pid));
    for (const link of await findKeepers({ runtime, version, known, listener: this.#listener, log })) this.#links.add(link);
  }

  /** @throws LifeguardError UNAVAILABLE */
  async currentOrStart(): Promise<KeeperLink> {
    const there = this.current;
    if (there !== null) return there;
    const { runtime, state, version, spawner, log } = this.#options;
    const start = this.#options.startKeeper ?? (() => startKeeper({ runtime, state, version, spawner, logLevel: log.level }));
    await start();
    const patience = performance.now() + PATIENCE_MS;
    for (;;) {
      await this.discover();
      const link = this.current;
      if (link !== null) return link;
      if (performance.now() > patience)
        throw new LifeguardError("UNAVAILABLE", `no keeper of version ${version} came up in ${runtime}: see keeper.log in ${state}`);
      await sleep(POLL_MS);
    }
  }

  /** Its connection has ended by itself. False when it was not one of these. */
  forget(link: KeeperLink): boolean {
    return this.#links.delete(link);
  }

  disconnect(link: KeeperLink): void {
    this.#links.delete(link);
    link.close();
    link.process.close();
  }
}
