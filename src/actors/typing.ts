/**
 * Everything that goes into a session's program: what clients type, keys, pastes, prompts with their proof, the terminal's own
 * answers. One queue, in the order in which it came; a prompt under way keeps nobody from typing, but notices it.
 */
import { BOUNDS } from "../bounds.js";
import { LifeguardError, messageOf } from "../errors.js";
import { InputQueue } from "./input-queue.js";
import type { DeliveryLook } from "./prompt-look.js";
import { PromptDelivery, type DeliveryStep } from "./prompt-delivery.js";
import { encodeKeys, encodePaste, LEGACY_MODES } from "./terminal/keys.js";
import type { Terminal } from "./terminal/terminal.js";
import type { Time } from "./time.js";

export interface TypingOptions {
  id: string;
  /** Most bytes that wait for a program that does not read. */
  queueBytes: number;
  promptConfirmMs: number;
  /** A turn that has not shown by then has come and gone. */
  turnMs: number;
  /** The program was typed into before: nobody knows whether the last line was submitted. */
  continues: boolean;
  time: Time;
  write(slice: Uint8Array): number;
  /** Takes a whole paste, where the line knows more of it; null: it is encoded here. */
  paste(text: string): { accepted: number } | null;
  failed(errno: number): void;
  /** The terminal, also when it is behind: for its modes. */
  terminal(): Terminal | null;
  /** Resolves when the terminal has seen every byte. @throws UNAVAILABLE when it is off */
  current(): Promise<void>;
  /** Takes in what is pending, then looks; null without a screen. */
  look(halfTyped: boolean): DeliveryLook | null;
  /** Something was typed. */
  typed(): void;
  told(delivery: string, step: DeliveryStep): void;
}

/** Answers of the terminal that wait for a program which does not read. */
const REPLY_BYTES = 16_384;
/** What ends a line, or throws it away: Enter, C-c, C-d, C-u. */
const LINE_ENDS: ReadonlySet<number> = new Set([0x0d, 0x0a, 0x03, 0x04, 0x15]);
const ESCAPE = 0x1b;

export class Typing {
  readonly #options: TypingOptions;
  readonly #queue: InputQueue;
  #delivery: PromptDelivery | null = null;
  /** Somebody has typed since the last Enter, or may have, before this actor was there. */
  #halfTyped: boolean;
  #ended = false;

  constructor(options: TypingOptions) {
    this.#options = options;
    this.#halfTyped = options.continues;
    const { queueBytes, write, failed } = options;
    this.#queue = new InputQueue({ bytes: queueBytes, sliceBytes: BOUNDS.inputSliceBytes, replyBytes: REPLY_BYTES, write, failed });
  }

  input(data: Uint8Array): { accepted: number } {
    this.#delivery?.touched();
    return { accepted: this.#push(data) };
  }

  keys(keys: string[]): { accepted: number } {
    return this.#whole(this.#options.terminal()?.encodeKeys(keys) ?? encodeKeys(keys, LEGACY_MODES));
  }

  paste(text: string): { accepted: number } {
    const taken = this.#queue.waiting > 0 ? null : this.#options.paste(text);
    if (taken !== null) {
      this.#delivery?.touched();
      this.#halfTyped = true;
      this.#options.typed();
      return taken;
    }
    return this.#whole(this.#options.terminal()?.encodePaste(text) ?? encodePaste(text, false));
  }

  /** An answer of the terminal to its program. */
  reply(bytes: Uint8Array): void {
    this.#queue.reply(bytes);
  }

  /** The program has written something. */
  output(): void {
    this.#delivery?.output();
  }

  /** The tool in front reports an event of its own; `UserPromptSubmit` and its like prove a prompt. */
  reported(event: string, at: number): void {
    this.#delivery?.reported(event, at);
  }

  /** @see ActorApi.prompt */
  async prompt(delivery: string, text: string, lossy: boolean): Promise<void> {
    const { id, time, look, told, promptConfirmMs, turnMs } = this.#options;
    if (this.#ended) throw new LifeguardError("EXITED", `the program of ${id} has ended: nothing was typed`, { typed: false });
    if (this.#delivery?.taken === true) this.#delivery.leave();
    if (this.#delivery?.over === false)
      throw new LifeguardError("BUSY", `another prompt is being delivered to ${id}: nothing was typed`, { retry_after_ms: 500 });
    const mine = new PromptDelivery(
      text,
      { confirmMs: promptConfirmMs, turnMs, lossy },
      {
        id,
        time,
        look: () => look(this.#halfTyped),
        waiting: () => this.#queue.waiting,
        room: () => this.#queue.room,
        write: (bytes) => void this.#push(bytes),
        paste: (pasted, bracketed) => encodePaste(pasted, bracketed),
        keys: (names) => this.#options.terminal()?.encodeKeys(names) ?? encodeKeys(names, LEGACY_MODES),
        told: (step) => told(delivery, step),
      },
    );
    this.#delivery = mine;
    try {
      await this.#options.current();
    } catch (error) {
      mine.stop("it has no screen to look at", false);
      throw new LifeguardError("UNAVAILABLE", `${id} has no screen to look at: ${messageOf(error)}. Nothing was typed`, { typed: false });
    }
    await mine.begin();
  }

  /** A prompt under way ends as what is known of it. */
  interrupt(why: string, ended = false): void {
    this.#ended ||= ended;
    this.#delivery?.stop(why, ended);
  }

  close(): void {
    this.#queue.close();
  }

  #whole(bytes: Uint8Array): { accepted: number } {
    if (bytes.byteLength > this.#queue.room) {
      const message = `${bytes.byteLength} bytes do not fit: the program of ${this.#options.id} has ${this.#queue.waiting} bytes unread`;
      throw new LifeguardError("BUSY", message, { accepted: 0, retry_after_ms: 100 });
    }
    return this.input(bytes);
  }

  #push(data: Uint8Array): number {
    const accepted = this.#queue.push(data);
    if (accepted > 0) {
      // A key that begins with Escape moves or reports something, and types nothing.
      if (data[0] !== ESCAPE || data.byteLength > 16) this.#halfTyped = !LINE_ENDS.has(data[accepted - 1] ?? 0);
      this.#options.typed();
    }
    return accepted;
  }
}
