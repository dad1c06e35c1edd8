/** asciicast v2 (https://docs.asciinema.org/manual/asciicast/v2/): a header line, then one line an event. */
import type { TerminalSize } from "../session.js";

export class Asciicast {
  // A character may be cut between two chunks of output.
  readonly #decoder = new TextDecoder();
  #lastSeconds = 0;

  header(size: TerminalSize, about: { title: string; command: string; at: number }): string {
    const { title, command, at } = about;
    return `${JSON.stringify({ version: 2, width: size.cols, height: size.rows, timestamp: Math.floor(at / 1_000), ...(title === "" ? {} : { title }), command, env: { TERM: "xterm-256color" } })}\n`;
  }

  /** @param seconds since the beginning; times never go back, whatever the clocks say */
  output(seconds: number, data: Uint8Array): string {
    const text = this.#decoder.decode(data, { stream: true });
    return text === "" ? "" : this.#event(seconds, "o", text);
  }

  resized(seconds: number, size: TerminalSize): string {
    return this.#event(seconds, "r", `${size.cols}x${size.rows}`);
  }

  /** What is left of a character that was never finished. */
  end(): string {
    const text = this.#decoder.decode();
    return text === "" ? "" : this.#event(this.#lastSeconds, "o", text);
  }

  #event(seconds: number, code: string, data: string): string {
    this.#lastSeconds = Math.max(this.#lastSeconds, seconds);
    return `${JSON.stringify([Number(this.#lastSeconds.toFixed(6)), code, data])}\n`;
  }
}
