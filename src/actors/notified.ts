/**
 * A program's own word that it wants somebody: OSC 9, 777 or 99. It holds until somebody types or looks, or until other work has
 * begun: the next command of the shell, another program in front. Output takes nothing back: who draws does not work.
 */
import type { DetectorInput, Look } from "./evidence.js";

export interface Notification {
  text: string;
  at: number;
  /** The process group in front when it was said; null where the system does not say. */
  group: number | null;
}

export const PROGRAM_NOTIFIED = "program_notified";

export class Notified {
  #newest: Notification | null = null;

  note(title: string, body: string, at: number, group: number | null): void {
    const text = title === "" || body === "" ? title + body : `${title}: ${body}`;
    this.#newest = { text, at, group };
  }

  /** Another program has the word. */
  forget(): void {
    this.#newest = null;
  }

  /** What still holds. Once it is over it does not come back. */
  current(now: {
    seenAt: number;
    osc133: DetectorInput["osc133"];
    foreground: { group: number; isLeader: boolean } | null;
  }): Notification | null {
    const { group, at = 0 } = this.#newest ?? {};
    if (this.#newest === null) return null;
    const command = now.osc133?.phase === "C" && now.osc133.at > at;
    const program = now.foreground !== null && !now.foreground.isLeader && now.foreground.group !== group;
    if (now.seenAt >= at || command || program) this.#newest = null;
    return this.#newest;
  }
}

/** Stands over everything else that is known of a program without a profile: it has said so itself. */
export function lookAtNotification(notification: Notification | null, now: number): Omit<Look, "byTool" | "reported"> | null {
  if (notification === null) return null;
  return {
    state: "attention",
    source: "notification",
    rule: PROGRAM_NOTIFIED,
    confidence: "medium",
    detail: notification.text,
    since: Math.min(notification.at, now),
    next: null,
  };
}
