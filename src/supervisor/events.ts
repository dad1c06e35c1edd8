/**
 * The ordered log of everything that happened, kept in memory for clients that come back (protocol.md 4).
 * `seq` grows by one for ever within one life of the daemon (`boot`).
 */
import type { Clock } from "../clock.js";
import type { EventCursor, EventFilter, LifeguardEvent } from "./api.js";

export interface Subscription {
  cursor: EventCursor;
  /** True when events after the cursor given are no longer held: list again. */
  gap: boolean;
  missed: LifeguardEvent[];
  end(): void;
}

interface Subscriber {
  filter: EventFilter;
  listener(event: LifeguardEvent): void;
}

export class EventLog {
  readonly boot: string;
  readonly #clock: Clock;
  readonly #capacity: number;
  /** Ring: the event with seq s lies at s % capacity. */
  readonly #ring: LifeguardEvent[] = [];
  #seq = 0;
  readonly #subscribers = new Set<Subscriber>();

  constructor(boot: string, capacity: number, clock: Clock) {
    this.boot = boot;
    this.#capacity = capacity;
    this.#clock = clock;
  }

  get cursor(): EventCursor {
    return { boot: this.boot, seq: this.#seq };
  }

  append(kind: string, session: string | null, fields: Record<string, unknown> = {}): void {
    this.#seq += 1;
    const event: LifeguardEvent = {
      boot: this.boot,
      seq: this.#seq,
      at: this.#clock.now(),
      kind,
      ...(session === null ? {} : { session }),
      ...fields,
    };
    this.#ring[this.#seq % this.#capacity] = event;
    for (const subscriber of this.#subscribers) {
      if (matches(subscriber.filter, event)) subscriber.listener(event);
    }
  }

  subscribe(since: EventCursor | null, filter: EventFilter, listener: (event: LifeguardEvent) => void): Subscription {
    const subscriber = { filter, listener };
    this.#subscribers.add(subscriber);
    const { gap, missed } = since === null ? { gap: false, missed: [] } : this.#after(since, filter);
    return { cursor: this.cursor, gap, missed, end: () => void this.#subscribers.delete(subscriber) };
  }

  #after(since: EventCursor, filter: EventFilter): { gap: boolean; missed: LifeguardEvent[] } {
    if (since.boot !== this.boot || since.seq > this.#seq) return { gap: true, missed: [] };
    const oldest = Math.max(1, this.#seq - this.#capacity + 1);
    if (since.seq + 1 < oldest) return { gap: true, missed: [] };
    const missed: LifeguardEvent[] = [];
    for (let seq = since.seq + 1; seq <= this.#seq; seq++) {
      const event = this.#ring[seq % this.#capacity];
      if (event !== undefined && matches(filter, event)) missed.push(event);
    }
    return { gap: false, missed };
  }
}

function matches(filter: EventFilter, event: LifeguardEvent): boolean {
  if (filter.session !== undefined && event.session !== filter.session) return false;
  return filter.kinds === undefined || filter.kinds.includes(event.kind);
}
