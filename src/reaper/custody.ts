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
import { setTimeout as sleep } from "node:timers/promises";
import { BOUNDS } from "../bounds.js";
import { LifeguardError, messageOf } from "../errors.js";
import { closeDescriptor } from "../libc/descriptors.js";
import type { Log } from "../log.js";
import type { CustodyListener, CustodyOptions, KeeperStatus, KeptExit, KeptSession, SpawnOrder } from "./custody-types.js";
import { KeeperFleet } from "./keeper-fleet.js";
import { KeeperRefusal } from "./keeper-link.js";
import type { KeeperLink } from "./keeper-link.js";
import type { Answer, Ask, CallName, ExitedEvent, ExitRecord, KeptRecord } from "./keeper-protocol.js";
import { takeLease, type Held } from "./lease.js";
import { Turnstile } from "./turnstile.js";

export type { CustodyListener, CustodyOptions, KeeperStatus, KeptExit, KeptSession, SpawnOrder } from "./custody-types.js";

/** How long a call waits for a keeper to be there. At the bound: UNAVAILABLE. */
const PATIENCE_MS = 10_000;
/** A dead keeper's process is gone this soon after its connection; one that is not gets connected again. */
const DYING_MS = 1_000;
const POLL_MS = 20;
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5_000;
const WINDOW = BOUNDS.descriptorWindow;

export class Custody {
  readonly #listener: CustodyListener;
  readonly #log: Log;
  readonly #fleet: KeeperFleet;
  readonly #held = new Map<number, Held>();
  /** Exits told before the answer to the spawn was looked at. */
  readonly #early = new Map<number, ExitRecord>();
  /** Masters under way unacknowledged stay within the window. */
  readonly #spawning = new Turnstile(WINDOW);
  /** While a lost keeper is being replaced. */
  #recovery: Promise<void> | null = null;
  #opening = false;
  #closed = false;
  #keeperWasLost = false;
  #keeperWasThere = false;

  constructor(options: CustodyOptions) {
    this.#listener = options.listener;
    this.#log = options.log;
    this.#fleet = new KeeperFleet(options, {
      exited: (event) => this.#heardOf(event),
      closed: (link) => this.#linkClosed(link),
    });
  }

  /**
   * Finds every keeper (stale sockets are removed only after a connect was refused), starts one when none is of our version.
   * @returns all sessions of all keepers
   * @throws LifeguardError UNAVAILABLE when no keeper can be started
   */
  async open(): Promise<KeptSession[]> {
    this.#opening = true;
    await this.#fleet.discover();
    this.#keeperWasThere = this.#fleet.links.length > 0;
    await this.#fleet.currentOrStart();
    for (const link of this.#fleet.links) await this.#list(link);
    for (const link of this.#fleet.links) this.#letGoIfDrained(link);
    this.#opening = false;
    return [...this.#held.values()].map((held) => ({
      session: held.session,
      pid: held.pid,
      record: held.record,
      slot: held.slot,
      generation: held.generation,
      exit: held.exit,
      statusLost: held.exit !== null && held.exit.code === null && held.exit.signal === null,
      exitedAt: held.exit?.at ?? null,
    }));
  }

  /**
   * @throws LifeguardError SPAWN_FAILED {errno, syscall}, LIMIT (record too long), TIMEOUT, UNAVAILABLE (no keeper to be had)
   */
  async spawn(order: SpawnOrder): Promise<{ pid: number; master: number }> {
    if (order.record.length > BOUNDS.keeperRecordBytes) {
      throw new LifeguardError(
        "LIMIT",
        `the record of a session has at most ${BOUNDS.keeperRecordBytes} bytes, got ${order.record.length}`,
        { limit: BOUNDS.keeperRecordBytes, received: order.record.length },
      );
    }
    if (this.#held.has(order.session))
      throw new LifeguardError("ALREADY_EXISTS", `session ${order.session} has a process that is not acknowledged`);
    return await this.#spawning.pass(async () => {
      const link = await this.#settled();
      const answer = await this.#born(link, order);
      const held = this.#hold(link, order, answer);
      const { session } = held;
      if (held.master === null) await this.masters([session], () => undefined);
      if (held.master === null)
        throw new LifeguardError("UNAVAILABLE", `keeper ${link.pid} did not hand out the terminal of session ${session}`);
      const early = this.#early.get(session);
      if (early !== undefined) this.#exited(held, early);
      this.#early.delete(session);
      return { pid: held.pid, master: held.master };
    });
  }

  #hold(link: KeeperLink, { session, slot, directory, spool, record }: SpawnOrder, answer: Answer<"spawn">): Held {
    const { pid, startTime, generation } = answer;
    const held: Held = {
      session,
      slot,
      directory,
      spool,
      record: Buffer.from(record),
      pid,
      startTime,
      generation,
      master: null,
      link,
      exit: null,
      unwanted: false,
    };
    this.#held.set(session, held);
    if (answer.sent) held.master = link.takeMaster(held);
    return held;
  }

  async #born(link: KeeperLink, order: SpawnOrder): Promise<Answer<"spawn">> {
    this.#early.delete(order.session);
    try {
      return await link.call("spawn", order, (answer) => {
        const held = this.#hold(link, order, answer);
        held.unwanted = true;
        this.#log.warn({ session: order.session, keeper: link.pid }, "a keeper started a process after its time was over: it is ended");
        this.#listener.bornTooLate(order.session, answer.pid);
      });
    } catch (error) {
      if (error instanceof RangeError)
        throw new LifeguardError(
          "SPAWN_FAILED",
          `${order.file} could not be started: arguments and environment are too long`,
          { errno: "E2BIG", syscall: null },
          { cause: error },
        );
      if (!(error instanceof KeeperRefusal)) throw error;
      throw new LifeguardError(
        "SPAWN_FAILED",
        `${order.file} could not be started in ${order.cwd}: ${error.message}`,
        { errno: error.code, syscall: error.syscall },
        { cause: error },
      );
    }
  }

  /**
   * Takes the lease of these sessions; `take` is called once for each, as its master arrives.
   * @throws LifeguardError BUSY when another daemon's process goes on living, TIMEOUT, UNAVAILABLE
   */
  async masters(sessions: number[], take: (session: number, master: number) => void): Promise<void> {
    await this.#recovery;
    await takeLease(
      sessions.flatMap((session) => this.#held.get(session) ?? []),
      { held: this.#held, settled: () => this.#settled(), log: this.#log },
      take,
    );
  }

  /** @throws LifeguardError LIMIT, NOT_FOUND, TIMEOUT, UNAVAILABLE */
  async setRecord(session: number, record: Uint8Array): Promise<void> {
    if (record.length > BOUNDS.keeperRecordBytes)
      throw new LifeguardError("LIMIT", `the record of a session has at most ${BOUNDS.keeperRecordBytes} bytes, got ${record.length}`, {
        limit: BOUNDS.keeperRecordBytes,
        received: record.length,
      });
    const held = this.#known(session);
    held.record = Buffer.from(record);
    await this.#ask(held, "setRecord", () => ({ session, record }));
  }

  /**
   * The exit has been dealt with: the keeper reaps the zombie, both sides close the master, the session is forgotten. Fine for
   * a session that is not held.
   * @throws LifeguardError BUSY when the process lives
   */
  async acknowledge(session: number): Promise<void> {
    const held = this.#held.get(session);
    if (held === undefined) return;
    try {
      await this.#ask(held, "acknowledge", () => ({ session }));
    } catch (error) {
      if (error instanceof KeeperRefusal && error.code === "EBUSY")
        throw new LifeguardError("BUSY", `the process of session ${session} lives`, {}, { cause: error });
      throw error;
    }
    if (this.#held.get(session) !== held) return;
    this.#held.delete(session);
    if (held.master !== null) closeDescriptor(held.master);
    if (held.link !== null) this.#letGoIfDrained(held.link);
  }

  /** We have stopped reading at `offset`: the keeper may read from now. `masters` takes the lease back. */
  async release(session: number, offset: number): Promise<void> {
    const held = this.#known(session);
    await this.#ask(held, "release", () => ({ session, generation: held.generation, offset }));
  }

  /** The pid of a session's process; null when it has ended, or we do not hold it. */
  pidOf(session: number): number | null {
    const held = this.#held.get(session);
    return held === undefined || held.exit !== null ? null : held.pid;
  }

  keeperPids(): number[] {
    return this.#fleet.links.map((link) => link.pid);
  }

  /** A keeper has outlived the last daemon: the machine was not started anew, and nobody killed both. */
  get keeperWasThere(): boolean {
    return this.#keeperWasThere;
  }

  /** True once a keeper was lost in this daemon's life: strays of its sessions have no known parent any more. */
  get keeperWasLost(): boolean {
    return this.#keeperWasLost;
  }

  status(): KeeperStatus[] {
    return this.#fleet.links.map((link) => ({
      pid: link.pid,
      version: link.version,
      sessions: this.#sessionsOf(link).length,
      draining: !this.#fleet.isOurs(link),
    }));
  }

  /** Disconnects. The keepers and the sessions go on. */
  close(): void {
    this.#closed = true;
    for (const link of this.#fleet.links) this.#fleet.disconnect(link);
    for (const held of this.#held.values()) if (held.master !== null) closeDescriptor(held.master);
    this.#held.clear();
  }

  // ---- keepers come and go --------------------------------------------------------------------------------------------

  async #list(link: KeeperLink): Promise<void> {
    let after = -1;
    for (;;) {
      const { sessions, more } = await link.call("list", { after });
      for (const kept of sessions) {
        after = kept.session;
        const known = this.#held.get(kept.session);
        const held: Held = known ?? { ...kept, record: Buffer.from(kept.record), master: null, link, exit: null, unwanted: false };
        held.link = link;
        held.generation = kept.generation;
        this.#held.set(kept.session, held);
        if (kept.exit !== null) this.#exited(held, kept.exit);
      }
      if (!more) return;
    }
  }

  #linkClosed(link: KeeperLink): void {
    if (!this.#fleet.forget(link)) return;
    this.#log.warn({ keeper: link.pid }, "the connection to a keeper ended");
    const before = this.#recovery ?? Promise.resolve();
    const recovery: Promise<void> = before
      .then(() => this.#recover(link))
      .catch((error: unknown) => this.#log.error({ keeper: link.pid, err: messageOf(error) }, "a lost keeper could not be replaced"))
      .finally(() => {
        link.process.close();
        if (this.#recovery === recovery) this.#recovery = null;
      });
    this.#recovery = recovery;
  }

  /** Its process decides: gone, then a successor gets its sessions; alive, then the connection is made again. */
  async #recover(link: KeeperLink): Promise<void> {
    const dying = performance.now() + DYING_MS;
    while (!link.process.gone() && !this.#closed) {
      if (performance.now() > dying) await this.#fleet.discover();
      const again = this.#fleet.links.find((other) => other.pid === link.pid);
      if (again !== undefined) {
        await this.#list(again);
        return;
      }
      await sleep(POLL_MS);
    }
    if (!this.#closed) await this.#replace(link);
  }

  async #replace(lost: KeeperLink): Promise<void> {
    const sessions = this.#sessionsOf(lost);
    const orphans = sessions.filter((held) => held.exit === null);
    for (const held of sessions) held.link = null;
    this.#keeperWasLost = true;
    this.#log.error({ keeper: lost.pid, sessions: orphans.length }, "a keeper died: its sessions go on, their exit statuses are lost");
    setImmediate(() => this.#listener.keeperLost(orphans.map((held) => held.session)));
    const successor = await this.#persist(() => this.#fleet.currentOrStart());
    if (successor === null) return;
    for (let first = 0; first < orphans.length; first += WINDOW) await this.#giveTo(successor, orphans.slice(first, first + WINDOW));
    this.#log.info({ keeper: successor.pid, sessions: orphans.length }, "a new keeper has the sessions of the lost one");
    setImmediate(() => this.#listener.keeperReplaced(successor.pid));
  }

  /** At most {@link WINDOW} sessions. */
  async #giveTo(link: KeeperLink, orphans: Held[]): Promise<void> {
    const lost = { code: null, signal: null, at: Date.now() };
    const given: KeptRecord[] = [];
    for (const held of orphans) {
      // Nobody had its master but the keeper: its terminal hung up.
      if (held.master === null || !link.sendMaster(held.master, held)) this.#exited(held, lost);
      else {
        const { session, pid, startTime, record, slot, generation, directory, spool } = held;
        given.push({ session, pid, startTime, record, slot, generation, directory, spool, exit: null });
        held.link = link;
      }
    }
    const { adopted } = await link.call("adopt", { sessions: given });
    for (const { session, generation } of adopted) {
      const held = this.#held.get(session);
      if (held !== undefined) held.generation = generation;
    }
  }

  /** Tries until it works or custody is closed. */
  async #persist<T>(attempt: () => Promise<T>): Promise<T | null> {
    for (let waitMs = RETRY_FIRST_MS; !this.#closed; waitMs = Math.min(RETRY_LAST_MS, waitMs * 2)) {
      try {
        return await attempt();
      } catch (error) {
        this.#log.error({ err: messageOf(error) }, "no keeper could be started, trying again");
        await sleep(waitMs);
      }
    }
    return null;
  }

  /** The keeper that gets new sessions, once it is there. */
  async #settled(): Promise<KeeperLink> {
    const recovery = this.#recovery;
    if (recovery !== null) await Promise.race([recovery, sleep(PATIENCE_MS, undefined, { ref: false })]);
    const link = this.#fleet.current;
    if (link === null)
      throw new LifeguardError("UNAVAILABLE", "there is no keeper at the moment: try again in a moment", { retry_after_ms: RETRY_LAST_MS });
    return link;
  }

  async #ask<C extends CallName>(held: Held, call: C, ask: () => Ask<C>): Promise<void> {
    await this.#recovery;
    const link = held.link;
    if (link === null) return;
    try {
      await link.call(call, ask());
    } catch (error) {
      if (!link.closed) throw error;
      await this.#settled();
      await held.link?.call(call, ask());
    }
  }

  #sessionsOf(link: KeeperLink): Held[] {
    return [...this.#held.values()].filter((held) => held.link === link);
  }

  /** A keeper of another version ends itself once it holds nothing and nobody is connected. */
  #letGoIfDrained(link: KeeperLink): void {
    if (!this.#fleet.isOurs(link) && this.#sessionsOf(link).length === 0) this.#fleet.disconnect(link);
  }

  // ---- exits ----------------------------------------------------------------------------------------------------------

  #heardOf(event: ExitedEvent): void {
    const held = this.#held.get(event.session);
    if (held !== undefined) this.#exited(held, event);
    // The keeper told it right behind the answer to the spawn, which nobody has looked at yet.
    else this.#early.set(event.session, event);
  }

  #exited(held: Held, { code, signal, at }: ExitRecord): void {
    if (held.exit !== null) return;
    const exit: KeptExit = { pid: held.pid, code, signal, at };
    held.exit = exit;
    // `open` returns them.
    if (this.#opening) return;
    setImmediate(() => {
      if (this.#closed || this.#held.get(held.session) !== held) return;
      if (!held.unwanted) this.#listener.exited(held.session, exit);
      else
        this.acknowledge(held.session).catch((error: unknown) => {
          this.#log.warn({ session: held.session, err: messageOf(error) }, "the exit of a process that came too late was not acknowledged");
        });
    });
  }

  #known(session: number): Held {
    const held = this.#held.get(session);
    if (held === undefined) throw new LifeguardError("NOT_FOUND", `session ${session} is not held`);
    return held;
  }
}
