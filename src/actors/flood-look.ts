/** How often the screen of a flood is looked at: to look means to parse what has come since, which costs milliseconds. */
import type { SessionState } from "../session.js";
import type { Time } from "./time.js";

/** While a flood goes on, its session is busy whatever it shows: one look in so long. */
const LOOK_MS = 1_000;
/** It goes on while something has come within this time. */
export const FLOOD_PAUSE_MS = 50;

export class FloodLook {
  readonly #time: Time;
  readonly #flooding: () => boolean;
  readonly #heldUp: () => boolean;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param flooding whether a look would have to parse anything
   * @param heldUp whether it has more, which is not read at the moment
   */
  constructor(time: Time, flooding: () => boolean, heldUp: () => boolean) {
    this.#time = time;
    this.#heldUp = heldUp;
    this.#flooding = flooding;
  }

  /** @returns true: nothing need be looked at now, but again in {@link FLOOD_PAUSE_MS}. False: the caller looks */
  goesOn(state: SessionState, lastOutputAt: number): boolean {
    const quiet = this.#time.now() - lastOutputAt;
    const now = this.#time.monotonic();
    const flows = this.#heldUp() || (quiet >= 0 && quiet < FLOOD_PAUSE_MS);
    if (state === "busy" && flows && now - this.#lookedAt < LOOK_MS && this.#flooding()) return true;
    this.#lookedAt = now;
    return false;
  }
}
