/** What the socket counts. Names are those of our methods, errors and notifications, so that they stay few whatever clients send. */
import { Tally } from "../figures.js";
import type { SocketFigures } from "../supervisor/api.js";

export class SocketTally {
  readonly #calls = new Tally();
  readonly #notifications = new Tally();
  accepted = 0;
  turnedAway = 0;

  /** @param method of ours, or `unknown` @param outcome `ok`, or an error's name */
  call(method: string, outcome: string): void {
    this.#calls.count(`${method} ${outcome}`);
  }

  notification(name: string): void {
    this.#notifications.count(name);
  }

  figures(now: Pick<SocketFigures, "connections" | "outboundBytes">): SocketFigures {
    return {
      ...now,
      accepted: this.accepted,
      turnedAway: this.turnedAway,
      calls: this.#calls.entries().map(([key, count]) => {
        const [method = "", outcome = ""] = key.split(" ");
        return { method, outcome, count };
      }),
      notifications: this.#notifications.entries().map(([name, count]) => ({ name, count })),
    };
  }
}
