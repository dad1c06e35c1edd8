/** One watch of one connection: what the supervisor pushes, as notifications, no faster than the connection takes them. */
import type { TerminalSize } from "../session.js";
import type { Watch, WatchSink } from "../supervisor/api.js";
import type { Peer } from "./method.js";

export class Watcher implements WatchSink {
  readonly #id: string;
  readonly #peer: Peer;
  readonly #gone: (watcher: Watcher) => void;
  #watch: Watch | null = null;
  /** What came before the answer with the watch's name was out; null since then. */
  #held: (() => void)[] | null = [];
  #starved = false;
  #ended = false;

  /** @param gone called once, when the watch is over for whatever reason */
  constructor(id: string, peer: Peer, gone: (watcher: Watcher) => void) {
    this.#id = id;
    this.#peer = peer;
    this.#gone = gone;
  }

  get name(): string {
    return this.#watch?.watch ?? "";
  }

  begin(watch: Watch): void {
    this.#watch = watch;
    if (this.#ended) watch.end();
  }

  /** The answer is out: notifications may follow. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const send of held) send();
    if (!this.#ended) this.#watch?.resume();
  }

  room(): number {
    if (this.#held !== null || this.#ended) return 0;
    const room = this.#peer.room();
    this.#starved = room === 0;
    return room;
  }

  /** The connection has room again. */
  drained(): void {
    if (!this.#starved || this.#ended) return;
    this.#starved = false;
    this.#watch?.resume();
  }

  output(offset: number, data: Uint8Array, ageMs: number): void {
    if (this.#held === null) {
      if (!this.#ended)
        this.#peer.notify("session.output", { watch: this.name, id: this.#id, offset, data, age_ms: Math.max(0, Math.round(ageMs)) });
      return;
    }
    // The bytes may be the supervisor's to reuse.
    const copy = Buffer.from(data);
    this.#held.push(() => this.output(offset, copy, ageMs));
  }

  gap(from: number, to: number): void {
    this.#send(() => this.#peer.notify("session.gap", { watch: this.name, id: this.#id, from, to }));
  }

  resized(size: TerminalSize, offset: number): void {
    this.#send(() => this.#peer.notify("session.resized", { watch: this.name, id: this.#id, cols: size.cols, rows: size.rows, offset }));
  }

  closed(reason: "exited" | "removed" | "unwatched"): void {
    this.#send(() => {
      this.#peer.notify("session.closed", { watch: this.name, id: this.#id, reason });
      this.#over();
    });
  }

  penLost(writer: string): void {
    this.#send(() => this.#peer.notify("session.writer", { watch: this.name, id: this.#id, writer }));
  }

  ack(offset: number): void {
    this.#watch?.ack(offset);
  }

  /** Ends the watch from this side; nothing is sent any more. */
  end(): void {
    if (this.#ended) return;
    this.#over();
    this.#watch?.end();
  }

  #send(send: () => void): void {
    if (this.#ended) return;
    if (this.#held === null) send();
    else this.#held.push(send);
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gone(this);
  }
}
