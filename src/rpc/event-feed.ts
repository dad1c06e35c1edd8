/**
 * One event subscription of one connection. A connection that is full falls behind: its feed lets go of the stream and keeps its
 * cursor; when there is room it goes on from the history, and only what the history no longer holds becomes an `events.gap`.
 */
import type { EventCursor, EventFilter, LifeguardEvent, SupervisorApi } from "../supervisor/api.js";
import type { Peer } from "./method.js";

export class EventFeed {
  readonly name: string;
  readonly #supervisor: SupervisorApi;
  readonly #filter: EventFilter;
  readonly #peer: Peer;
  /** The last event sent, or passed over by the filter. */
  #cursor: EventCursor;
  /** Ends the live stream; null while behind. */
  #live: (() => void) | null = null;
  #ended = false;

  constructor(name: string, cursor: EventCursor, filter: EventFilter, supervisor: SupervisorApi, peer: Peer) {
    this.name = name;
    this.#cursor = cursor;
    this.#filter = filter;
    this.#supervisor = supervisor;
    this.#peer = peer;
  }

  /** Sends what came since the cursor, then follows. Called when the answer is out and whenever the connection has drained. */
  follow(): void {
    if (this.#live !== null || this.#ended || this.#peer.room() === 0) return;
    let catchingUp = true;
    const meanwhile: LifeguardEvent[] = [];
    const { cursor, gap, missed, end } = this.#supervisor.subscribe(this.#cursor, this.#filter, (event) => {
      if (catchingUp) meanwhile.push(event);
      else this.#send(event);
    });
    this.#live = end;
    if (gap) {
      const from = this.#cursor.boot === cursor.boot ? this.#cursor.seq + 1 : null;
      const to = missed[0] === undefined ? cursor.seq : missed[0].seq - 1;
      this.#peer.notify("events.gap", { subscription: this.name, boot: cursor.boot, from, to });
      this.#cursor = { boot: cursor.boot, seq: to };
    }
    for (const event of missed) if (!this.#send(event)) return;
    catchingUp = false;
    for (const event of meanwhile) if (!this.#send(event)) return;
  }

  end(): void {
    this.#ended = true;
    this.#live?.();
    this.#live = null;
  }

  /** False when there was no room: from here on the feed is behind. */
  #send(event: LifeguardEvent): boolean {
    if (this.#live === null) return false;
    if (this.#peer.room() === 0) {
      this.#cursor = { boot: event.boot, seq: event.seq - 1 };
      this.#live();
      this.#live = null;
      return false;
    }
    this.#peer.notify("event", this.#peer.feeds.size > 1 ? { ...event, subscription: this.name } : event);
    this.#cursor = { boot: event.boot, seq: event.seq };
    return true;
  }
}
