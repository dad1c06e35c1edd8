/**
 * The watchers of one session. Each has a position of its own and takes what it can: a watcher may be slow, nothing else may be
 * slowed by it.
 *
 *   actor ── live stream, bounded by credit ──▶ output() ──▶ a watcher at that very offset gets the bytes as they come
 *     ▲                                                      a watcher behind pulls from the spool, in its own time,
 *     └── credit is given only while somebody keeps up       until it stands where the live stream stands
 */
import type { ReadResult } from "../actors/messages.js";
import { BOUNDS } from "../bounds.js";
import type { TerminalSize } from "../session.js";
import type { Watch, WatchRequest, WatchSink } from "./api.js";

/** Where output comes from. The supervisor hands it in: a live session's actor, or an ended one's spool. */
export interface OutputSource {
  read(since: number, max: number): Promise<ReadResult>;
  /** Begins (or begins again, elsewhere) the live stream. */
  watch(since: number | null): Promise<{ offset: number; gap: number }>;
  unwatch(): void;
  credit(offset: number): void;
  /** When the session last wrote, for the age of bytes that come out of the spool. */
  lastActivityAt(): number;
}

interface Watcher {
  readonly sink: WatchSink;
  readonly window: number | null;
  position: number;
  acked: number;
  pulling: boolean;
  /** Something asked for another pull while one was under way. */
  again: boolean;
  ended: boolean;
}

const PULL_BYTES = 65_536;

export class Fanout {
  readonly #source: OutputSource;
  readonly #now: () => number;
  readonly #watchers = new Set<Watcher>();
  /** The end of what the live stream has brought; null while there is no live stream. */
  #head: number | null = null;
  #credited = 0;
  #starved = false;
  /** Where a session that has ended ends. */
  #final: number | null = null;

  constructor(source: OutputSource, now: () => number) {
    this.#source = source;
    this.#now = now;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** @param name unique, given to the client */
  async add(name: string, request: WatchRequest, sink: WatchSink, ended: { at: number } | null): Promise<Watch> {
    if (ended !== null) this.#final = ended.at;
    // The stream is started before the position is asked for: nothing can fall between the two.
    if (this.#final === null && this.#head === null) await this.#startStream(null);
    const from = await this.#source.read(request.since ?? Number.MAX_SAFE_INTEGER, 0);
    const watcher: Watcher = {
      sink,
      window: request.window ?? null,
      position: from.offset,
      acked: from.offset,
      pulling: false,
      again: false,
      ended: false,
    };
    this.#watchers.add(watcher);
    // The caller's answer goes out first; bytes follow in a later turn.
    setImmediate(() => this.#pull(watcher));
    return {
      watch: name,
      offset: from.offset,
      gap: from.gap,
      ack: (offset) => {
        watcher.acked = Math.min(Math.max(watcher.acked, offset), watcher.position);
        this.#pull(watcher);
      },
      resume: () => this.#pull(watcher),
      end: () => this.#end(watcher, "unwatched"),
    };
  }

  /** A piece of the live stream. */
  output(offset: number, data: Uint8Array, at: number): void {
    const end = offset + data.byteLength;
    this.#head = Math.max(this.#head ?? 0, end);
    let live = false;
    for (const watcher of this.#watchers) {
      if (watcher.position >= end) {
        live = true;
      } else if (!watcher.pulling && watcher.position >= offset && this.#room(watcher) >= end - watcher.position) {
        const from = watcher.position;
        watcher.position = end;
        watcher.sink.output(from, data.subarray(from - offset), Math.max(0, this.#now() - at));
        live = true;
      } else {
        this.#pull(watcher);
      }
    }
    this.#giveCredit(live);
  }

  /** The live stream lost bytes to the spool's ring. Every watcher learns of it by its own next read. */
  gap(to: number): void {
    this.#head = Math.max(this.#head ?? 0, to);
    for (const watcher of this.#watchers) this.#pull(watcher);
  }

  resized(size: TerminalSize, offset: number): void {
    for (const watcher of this.#watchers) watcher.sink.resized(size, offset);
  }

  /** The actor was replaced: its stream begins again where ours stood. */
  async restarted(): Promise<void> {
    this.#final = null;
    if (this.#watchers.size === 0) this.#head = null;
    else await this.#startStream(this.#head);
  }

  /** No more will come after `final`: each watcher still gets all of it, then its end. */
  ended(final: number): void {
    this.#final = final;
    this.#head = null;
    for (const watcher of this.#watchers) this.#pull(watcher);
  }

  removed(): void {
    for (const watcher of [...this.#watchers]) this.#end(watcher, "removed");
  }

  async #startStream(since: number | null): Promise<void> {
    this.#starved = false;
    const { offset } = await this.#source.watch(since);
    // Output may have overtaken the answer.
    this.#head = Math.max(this.#head ?? 0, offset);
    this.#credited = offset;
  }

  /** Credit follows the fastest watcher: when all are behind, the actor stops posting, and they read from the spool. */
  #giveCredit(live: boolean): void {
    if (!live || this.#head === null) {
      this.#starved = true;
      return;
    }
    if (this.#head - this.#credited >= BOUNDS.watchCreditBytes / 4) {
      this.#credited = this.#head;
      this.#source.credit(this.#head);
    }
  }

  #room(watcher: Watcher): number {
    const room = watcher.sink.room();
    return watcher.window === null ? room : Math.min(room, watcher.window - (watcher.position - watcher.acked));
  }

  #pull(watcher: Watcher): void {
    if (watcher.ended) return;
    if (watcher.pulling) {
      watcher.again = true;
      return;
    }
    watcher.pulling = true;
    void this.#catchUp(watcher)
      .catch(() => undefined) // The actor went away: its successor's restarted(), or ended(), pulls again.
      .finally(() => {
        watcher.pulling = false;
        if (watcher.again) {
          watcher.again = false;
          this.#pull(watcher);
        }
      });
  }

  async #catchUp(watcher: Watcher): Promise<void> {
    while (!watcher.ended) {
      const goal = this.#final ?? this.#head;
      if (goal === null || watcher.position >= goal) break;
      const room = this.#room(watcher);
      if (room <= 0) return;
      const asked = watcher.position;
      const piece = await this.#source.read(asked, Math.min(room, PULL_BYTES));
      if (watcher.ended) return;
      if (piece.offset > asked) {
        watcher.position = piece.offset;
        watcher.acked = Math.max(watcher.acked, piece.offset);
        watcher.sink.gap(asked, piece.offset);
      }
      if (piece.data.byteLength === 0) break;
      watcher.position = piece.next;
      watcher.sink.output(piece.offset, piece.data, Math.max(0, this.#now() - this.#source.lastActivityAt()));
    }
    if (watcher.ended) return;
    if (this.#final !== null) {
      if (watcher.position >= this.#final) this.#end(watcher, "exited");
    } else if (this.#starved) {
      await this.#startStream(watcher.position);
      watcher.again = true; // The stream may have run to its credit while this watcher was not looking.
    } else {
      this.#giveCredit(true);
    }
  }

  #end(watcher: Watcher, reason: "exited" | "removed" | "unwatched"): void {
    if (watcher.ended) return;
    watcher.ended = true;
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0 && this.#head !== null) {
      this.#head = null;
      this.#source.unwatch();
    }
    watcher.sink.closed(reason);
  }
}
