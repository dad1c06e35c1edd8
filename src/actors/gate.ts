/** Why a session's terminal is not read at the moment; it is while there is no reason not to. */
import type { Line } from "./line.js";
import type { ActorContext } from "./actor-context.js";
import type { Flooding, FloodTurns } from "./flood-turns.js";
import type { Precedence } from "./precedence.js";
import { FLOOD_BYTES } from "./flood.js";

/** `behind`: its terminal catches up. `key`: somebody's key goes first. `turn`: another flood has its turn. `end`: for good. */
export type HoldReason = "behind" | "key" | "turn" | "end";

export class Gate {
  readonly #line: Pick<Line, "pause" | "resume">;
  readonly #precedence: Pick<Precedence, "answered" | "makesWay">;
  readonly #turns: Pick<FloodTurns, "waits">;
  readonly #reasons = new Set<HoldReason>();
  readonly #flooding: Flooding = { goOn: () => this.free("turn"), bytes: 0, at: 0 };
  /** The program has been typed to, and has not written since. */
  #asked = false;

  constructor(line: Pick<Line, "pause" | "resume">, { precedence, floodTurns }: Pick<ActorContext, "precedence" | "floodTurns">) {
    this.#line = line;
    this.#precedence = precedence;
    this.#turns = floodTurns;
  }

  /** A flood is there that goes on by itself, later. */
  get heldUp(): boolean {
    return this.#reasons.has("turn") || this.#reasons.has("key");
  }

  hold(reason: HoldReason): void {
    this.#reasons.add(reason);
    this.#line.pause();
  }

  free(reason: HoldReason): void {
    this.#reasons.delete(reason);
    if (this.#reasons.size === 0) this.#line.resume();
  }

  /** The program has been typed to. */
  typed(): void {
    this.#asked = true;
  }

  /** So much has been read: the answer to a key, or of a flood, which makes way for other sessions' keys. */
  chunk(length: number): void {
    if (this.#asked) {
      this.#asked = false;
      this.#precedence.answered();
    } else if (length >= FLOOD_BYTES) {
      if (!this.#reasons.has("key") && this.#precedence.makesWay(this.#goOn)) this.hold("key");
      if (!this.#reasons.has("turn") && this.#turns.waits(this.#flooding, length)) this.hold("turn");
    }
  }

  readonly #goOn = (): void => this.free("key");
}
