/** The time that an actor's watching runs on: the real one, or one that a rehearsal moves by hand. */
export interface Time {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds that never step back. */
  monotonic(): number;
  /** Runs `action` once, `ms` from now. @returns what {@link cancel} takes */
  after(ms: number, action: () => void): Alarm;
  cancel(alarm: Alarm): void;
}

export type Alarm = NodeJS.Timeout | number;

export const REAL_TIME: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, action) => setTimeout(action, ms),
  cancel: (alarm) => clearTimeout(alarm),
};

/** Stands still until it is moved; what is due on the way runs in order, at its time. */
export class VirtualTime implements Time {
  readonly #alarms = new Map<number, { at: number; action: () => void }>();
  #now: number;
  #last = 0;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  after(ms: number, action: () => void): number {
    this.#last += 1;
    this.#alarms.set(this.#last, { at: this.#now + Math.max(0, ms), action });
    return this.#last;
  }
  cancel(alarm: Alarm): void {
    this.#alarms.delete(Number(alarm));
  }
  get waiting(): number {
    return this.#alarms.size;
  }

  moveTo(time: number): void {
    for (;;) {
      let next: [number, { at: number; action: () => void }] | undefined;
      for (const entry of this.#alarms) if (entry[1].at <= time && (next === undefined || entry[1].at < next[1].at)) next = entry;
      if (next === undefined) break;
      this.#alarms.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].action();
    }
    this.#now = Math.max(this.#now, time);
  }
}
