/**
 * The keeper: births, custody, deaths, and nothing else. It must never crash, so it has no policy, few parts and one thread.
 *
 * In life order: open (sockets, spawner) → daemons come and go, sessions are spawned, adopted, handed out, acknowledged →
 * nobody there and nothing held for a while: end.
 */
import { join } from "node:path";
import type { Socket } from "node:net";
import { PERIODS } from "../../bounds.js";
import { messageOf } from "../../errors.js";
import { HeapUpkeep } from "../../heap.js";
import { closeDescriptor } from "../../libc/descriptors.js";
import { peekExit, reap } from "../../libc/processes.js";
import { openSlave, ptyPath } from "../../libc/terminals.js";
import type { Log } from "../../log.js";
import { KEEPER_PROTOCOL } from "../keeper-protocol.js";
import type { Answer, Ask, KeptRecord } from "../keeper-protocol.js";
import { ProcessHandle, readProcessStat } from "../process-handle.js";
import type { Spawner } from "../spawner.js";
import { Connection, Refusal } from "./connection.js";
import type { Handlers } from "./connection.js";
import { Doors, isAllowed } from "./doors.js";
import { ExitCollector } from "./exit-collector.js";
import { KeptTable, recordOf } from "./kept.js";
import type { Kept } from "./kept.js";
import { raiseOomScore } from "./oom-score.js";
import { Peers } from "./peer.js";
import type { Peer } from "./peer.js";
import { StandIn } from "./stand-in.js";

export interface KeeperOptions {
  runtime: string;
  version: string;
  spawner: Spawner;
  log: Log;
  /** Called once, when the keeper has ended itself: nothing held, nobody there. */
  ended: () => void;
}

/** One page of `list`, a daemon's frame bound being far above. */
const LIST_BYTES = 1024 * 1024;
/** A flood is read again this soon: time enough for frames and exits in between. */
const FLOOD_MS = 1;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #log: Log;
  readonly #table = new KeptTable();
  readonly #peers = new Peers();
  readonly #connections = new Set<Connection>();
  readonly #exits: ExitCollector;
  readonly #standIn: StandIn;
  readonly #heap = new HeapUpkeep();
  #doors: Doors | null = null;
  #reaperTimer: NodeJS.Timeout | null = null;
  #readTimer: NodeJS.Timeout | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #looking: NodeJS.Immediate | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#exits = new ExitCollector(this.#table, (kept) => this.#tellExit(kept), options.log);
    this.#standIn = new StandIn(join(options.runtime, "inflight"), options.log);
  }

  get sessions(): number {
    return this.#table.size;
  }

  async open(): Promise<void> {
    this.#doors = await Doors.open(this.#options.runtime, (socket) => this.#connected(socket));
    this.#reaperTimer = setInterval(() => this.#guarded("reaper", () => this.#exits.collect()), PERIODS.reaperMs);
    this.#considerEnd();
  }

  /** SIGCHLD. Those that come together are one look. */
  childEnded(): void {
    if (this.#looking !== null) return;
    this.#looking = setImmediate(() => {
      this.#looking = null;
      this.#guarded("reaper", () => this.#exits.collect());
    });
  }

  close(): void {
    this.#heap.stop();
    this.#doors?.close();
    this.#doors = null;
    for (const timer of [this.#reaperTimer, this.#readTimer, this.#idleTimer]) if (timer !== null) clearTimeout(timer);
    for (const connection of this.#connections) connection.end();
  }

  // ---- daemons come and go --------------------------------------------------------------------------------------------

  #connected(socket: Socket): void {
    const connection = new Connection(socket, this.#handlers, this.#log, (closed) => this.#disconnected(closed));
    this.#connections.add(connection);
    if (!isAllowed(connection.credentials().uid)) {
      this.#log.warn({ uid: connection.credentials().uid }, "another user's connection, refused");
      connection.end();
    }
    this.#considerEnd();
  }

  #disconnected(connection: Connection): void {
    this.#connections.delete(connection);
    if (connection.peer !== null) {
      this.#peers.disconnected(connection.peer);
      this.#log.info({ process: connection.peer.pid, sessions: this.#table.size }, "a daemon's connection closed");
    }
    this.#scheduleReading(0);
    this.#considerEnd();
  }

  #considerEnd(): void {
    const idle = this.#table.size === 0 && this.#connections.size === 0;
    if (!idle && this.#idleTimer !== null) {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = null;
    }
    if (!idle || this.#idleTimer !== null) return;
    this.#idleTimer = setTimeout(() => {
      this.#log.info("no sessions and no daemon: the keeper ends");
      this.close();
      this.#options.ended();
    }, PERIODS.keeperIdleMs);
  }

  // ---- reading for a daemon that is gone ------------------------------------------------------------------------------

  #scheduleReading(ms: number): void {
    if (this.#readTimer !== null) clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => {
      this.#readTimer = null;
      let next: number | null = null;
      this.#guarded("stand-in", () => {
        next = this.#readRound();
      });
      // A failed round is no reason to let agents block.
      this.#scheduleUnlessDone(next ?? PERIODS.keeperPollMs);
    }, ms);
  }

  #scheduleUnlessDone(ms: number): void {
    if (this.#readTimer === null && (this.#peers.anyLingering || this.#unleased().length > 0)) this.#scheduleReading(ms);
  }

  #readRound(): number {
    for (const peer of this.#peers.takeGone()) this.#freeLeases(peer);
    const unleased = this.#unleased();
    return unleased.length > 0 && this.#standIn.round(unleased) ? FLOOD_MS : PERIODS.keeperPollMs;
  }

  #freeLeases(peer: Peer): void {
    let sessions = 0;
    for (const kept of this.#table.all()) {
      if (kept.lease !== peer) continue;
      kept.lease = null;
      sessions++;
    }
    if (sessions > 0) this.#log.info({ process: peer.pid, sessions }, "a daemon's process is gone, reading for it");
  }

  #unleased(): Kept[] {
    return [...this.#table.all()].filter((kept) => kept.lease === null);
  }

  // ---- exits ----------------------------------------------------------------------------------------------------------

  #tellExit(kept: Kept): void {
    if (kept.exit === null) return;
    const body = { session: kept.session, ...kept.exit };
    for (const connection of this.#connections) if (connection.peer !== null) connection.send({ event: "exited", body });
  }

  // ---- calls ----------------------------------------------------------------------------------------------------------

  readonly #handlers: Handlers = {
    hello: (connection, ask) => this.#hello(connection, ask),
    list: (_connection, { after }) => this.#list(after),
    spawn: (connection, ask) => this.#spawn(connection, ask),
    masters: (connection, ask) => this.#masters(connection, ask.sessions),
    adopt: (connection, ask) => this.#adopt(connection, ask.sessions),
    setRecord: (_connection, { session, record }) => {
      this.#known(session).record = Buffer.from(record);
      return {};
    },
    release: (connection, ask) => this.#release(connection, ask),
    acknowledge: (_connection, { session }) => this.#acknowledge(session),
  };

  #hello(connection: Connection, ask: Ask<"hello">): Answer<"hello"> {
    if (connection.peer !== null) throw new Refusal("PROTOCOL", "hello was said before");
    const channel = this.#doors?.claimChannel(ask.token) ?? null;
    if (channel === null) throw new Refusal("PROTOCOL", "no descriptor channel came with this token");
    connection.channel = channel;
    connection.peer = this.#peers.connected(connection.credentials().pid || ask.pid);
    this.#log.info({ process: connection.peer.pid, daemon: ask.version, sessions: this.#table.size }, "a daemon connected");
    return { protocol: KEEPER_PROTOCOL, version: this.#options.version, pid: process.pid };
  }

  #list(after: number): Answer<"list"> {
    const rest = [...this.#table.all()].filter((kept) => kept.session > after).sort((a, b) => a.session - b.session);
    const sessions: KeptRecord[] = [];
    let bytes = 0;
    for (const kept of rest) {
      if (bytes > LIST_BYTES) return { sessions, more: true };
      sessions.push(recordOf(kept));
      bytes += kept.record.length + 256;
    }
    return { sessions, more: false };
  }

  #spawn(connection: Connection, ask: Ask<"spawn">): Answer<"spawn"> {
    if (this.#table.get(ask.session) !== undefined) throw new Refusal("EEXIST", `session ${ask.session} is held already`);
    const { session, slot, directory, spool } = ask;
    const record = Buffer.from(ask.record);
    let kept: Kept | null = null;
    const { spawner } = this.#options;
    const born = spawner.spawn(ask, (status) => {
      if (kept !== null) this.#exits.settle(kept, status);
    });
    const startTime = readProcessStat(born.pid)?.startTime ?? null;
    const waiter = spawner.waiter === "caller" ? ({ by: "child" } as const) : ({ by: "spawner" } as const);
    kept = {
      session,
      pid: born.pid,
      startTime,
      record,
      slot,
      generation: 1,
      directory,
      spool,
      master: born.master,
      slave: born.slave,
      lease: connection.peer,
      waiter,
      exit: null,
    };
    this.#table.add(kept);
    raiseOomScore(born.pid);
    this.#considerEnd();
    return { pid: born.pid, startTime, generation: kept.generation, sent: connection.sendMaster(born.master, kept) };
  }

  #masters(connection: Connection, sessions: number[]): Answer<"masters"> {
    const answer: Answer<"masters"> = { sent: [], held: [], unknown: [] };
    for (const session of sessions) {
      const kept = this.#table.get(session);
      if (kept === undefined) {
        answer.unknown.push(session);
        continue;
      }
      const holder = kept.lease;
      if (holder !== null && holder !== connection.peer && !holder.gone()) {
        answer.held.push(session);
        continue;
      }
      const generation = kept.generation + 1;
      // Whoever reads next finds a spool that is closed and complete.
      this.#standIn.end(session);
      if (!connection.sendMaster(kept.master, { session, generation })) {
        answer.held.push(session);
        continue;
      }
      kept.generation = generation;
      kept.lease = connection.peer;
      answer.sent.push({ session, generation });
    }
    return answer;
  }

  #adopt(connection: Connection, sessions: KeptRecord[]): Answer<"adopt"> {
    const masters = new Map(connection.receiveMasters().map((received) => [received.session, received.master]));
    const answer: Answer<"adopt"> = { adopted: [] };
    for (const record of sessions) {
      const master = masters.get(record.session);
      if (master === undefined || this.#table.get(record.session) !== undefined) continue;
      masters.delete(record.session);
      const generation = record.generation + 1;
      const handle = ProcessHandle.open(record.pid, record.startTime);
      this.#table.add({
        ...record,
        record: Buffer.from(record.record),
        generation,
        master,
        slave: this.#openSlaveOf(master),
        lease: connection.peer,
        waiter: { by: "handle", handle },
      });
      answer.adopted.push({ session: record.session, generation });
    }
    for (const master of masters.values()) closeDescriptor(master);
    this.#log.info({ sessions: answer.adopted.length }, "adopted the sessions of another keeper");
    this.#considerEnd();
    return answer;
  }

  #openSlaveOf(master: number): number | null {
    try {
      return openSlave(ptyPath(master));
    } catch (error) {
      this.#log.warn({ err: messageOf(error) }, "the slave of an adopted terminal cannot be held");
      return null;
    }
  }

  #release(connection: Connection, ask: Ask<"release">): Answer<"release"> {
    const kept = this.#known(ask.session);
    if (kept.lease !== connection.peer || kept.generation !== ask.generation) return {};
    kept.lease = null;
    this.#log.debug({ session: ask.session, offset: ask.offset }, "released");
    this.#scheduleUnlessDone(0);
    return {};
  }

  #acknowledge(session: number): Answer<"acknowledge"> {
    const kept = this.#table.get(session);
    if (kept === undefined) return {};
    if (kept.exit === null) this.#exits.collect();
    if (kept.exit === null) throw new Refusal("EBUSY", `session ${session} has not ended`);
    if (kept.waiter.by === "child" && peekExit(kept.pid) !== null) reap(kept.pid);
    this.#standIn.end(session);
    this.#table.remove(kept);
    this.#considerEnd();
    return {};
  }

  #known(session: number): Kept {
    const kept = this.#table.get(session);
    if (kept === undefined) throw new Refusal("ENOENT", `session ${session} is not held`);
    return kept;
  }

  /** An error in one round is logged; the next round is due all the same. */
  #guarded(phase: string, body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#log.error({ phase, err: error }, "a round failed");
    }
  }
}
