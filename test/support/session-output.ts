/** A session's whole output, read by offset as any client would. */
import type { Client } from "../../src/rpc/client.js";
import { LineChecker } from "./numbered-lines.js";

const PIECE_BYTES = 1_048_576;

/** Reads from `since` to the present end; `take` gets each piece with its offset. @returns the end */
export async function readOutput(
  client: Client,
  id: string,
  since: number,
  take: (data: Uint8Array, offset: number) => void,
): Promise<number> {
  for (let at = since; ;) {
    const piece = await client.call("session.read", { id, since: at, max: PIECE_BYTES });
    if (piece.data.byteLength === 0) return piece.next;
    take(piece.data, piece.offset);
    at = piece.next;
  }
}

export async function wholeOutput(client: Client, id: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  await readOutput(client, id, 0, (data) => pieces.push(data));
  return Buffer.concat(pieces);
}

/** Checks numbered lines as they become readable; call it often enough that the spool still reaches back to where it stood. */
export class OutputChecker {
  readonly #checker = new LineChecker();
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  /** @returns the offset it has come to */
  async advance(client: Client): Promise<number> {
    return readOutput(client, this.id, this.#checker.offset, (data, offset) => this.#checker.take(data, offset));
  }
  get holes(): number {
    return this.#checker.holes;
  }
  get fault(): string | null {
    const { fault } = this.#checker;
    return fault === null ? null : `${this.id} at ${fault.offset}: expected ${fault.expected}, found ${fault.found}`;
  }
}
