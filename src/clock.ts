/** Time comes in as an argument, so that a test can hold it still. */
export interface Clock {
  /** Milliseconds since 1970: for people. It may step back. */
  now(): number;
  /** Milliseconds since some start: for durations. It never steps back. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
