import type { InflightSlot } from "../spool/inflight.js";
import type { ActorEvent } from "./messages.js";
import type { FloodTurns } from "./flood-turns.js";
import type { Precedence } from "./precedence.js";
import type { TurnQueue } from "./turn-queue.js";

/** What an actor needs of the thread it runs in. */
export interface ActorContext {
  slot(n: number): InflightSlot;
  post(event: ActorEvent): void;
  /** Notes that this session's code runs. */
  enter(): void;
  turns: TurnQueue;
  floodTurns: Pick<FloodTurns, "waits">;
  precedence: Pick<Precedence, "answered" | "makesWay">;
  /** A terminal has been packed away: its memory can be collected. */
  parked(): void;
  chunk(length: number, take: () => void): void;
}
