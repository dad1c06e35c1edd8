/**
 * tmux sessions that somebody has taken out of our hands: they are not adopted again until asked for. A small file of our own,
 * because there is no session any more that it could be remembered with.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../../errors.js";
import type { Log } from "../../log.js";
import type { TmuxSession } from "../../tmux/server.js";
import { isSame } from "./place.js";

interface Left {
  socket: string;
  session: string;
  created: number;
  server: number;
}

const fileSchema = z.object({
  version: z.literal(1),
  left: z.array(z.object({ socket: z.string(), session: z.string(), created: z.number(), server: z.number() })),
});

/** More have been left alone than anybody remembers: the oldest may be found again. */
const MOST = 10_000;

export class LeftAlone {
  readonly #path: string;
  readonly #log: Log;
  #left: Left[] = [];

  constructor(state: string, log: Log) {
    this.#path = join(state, "tmux-left-alone.json");
    this.#log = log;
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch {
      return; // Nobody was left alone yet.
    }
    try {
      this.#left = fileSchema.parse(JSON.parse(text)).left;
    } catch (error) {
      log.warn({ phase: "tmux", err: messageOf(error) }, "the list of tmux sessions to be left alone cannot be read: it begins anew");
    }
  }

  has(socket: string, session: TmuxSession): boolean {
    return this.#left.some((one) => one.socket === socket && isSame(one, session));
  }

  /** Durable when this returns. @throws Error when the disk refuses */
  add(left: Left): void {
    const { socket, session, created, server } = left;
    this.#write([...this.#left, { socket, session, created, server }].slice(-MOST));
  }

  remove(socket: string, session: TmuxSession): void {
    if (this.has(socket, session)) this.#write(this.#left.filter((one) => one.socket !== socket || !isSame(one, session)));
  }

  /** Forgets those that have ended. */
  prune(socket: string, listed: readonly TmuxSession[]): void {
    const kept = this.#left.filter((one) => one.socket !== socket || listed.some((session) => isSame(one, session)));
    if (kept.length === this.#left.length) return;
    try {
      this.#write(kept);
    } catch (error) {
      this.#log.warn({ phase: "tmux", err: messageOf(error) }, "the list of tmux sessions to be left alone was not saved");
    }
  }

  #write(left: Left[]): void {
    const temporary = `${this.#path}.new`;
    const fd = openSync(temporary, "w", 0o600);
    try {
      writeSync(fd, JSON.stringify({ version: 1, left }));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, this.#path);
    this.#left = left;
  }
}
