/** The two sockets a keeper listens on (keeper-protocol.ts), and the pairing of their connections by token. */
import { chmodSync, unlinkSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import { closeDescriptor, pollInput, readDescriptor } from "../../libc/descriptors.js";
import { acceptUnix, listenUnix, peerCredentials } from "../../libc/sockets.js";
import { controlSocketName, descriptorSocketName, TOKEN_BYTES } from "../keeper-protocol.js";

/** Channels without a `hello`; the oldest goes. */
const UNCLAIMED = 16;

export class Doors {
  readonly #controlPath: string;
  readonly #descriptorPath: string;
  readonly #listener: number;
  readonly #server: Server;
  /** Accepted descriptor channels that no `hello` has claimed yet. */
  readonly #unclaimed: { channel: number; token: Buffer | null }[] = [];

  private constructor(controlPath: string, descriptorPath: string, listener: number, server: Server) {
    this.#controlPath = controlPath;
    this.#descriptorPath = descriptorPath;
    this.#listener = listener;
    this.#server = server;
  }

  /** Opens the descriptor socket first: whoever finds the control socket finds both. */
  static async open(runtime: string, connected: (socket: Socket) => void): Promise<Doors> {
    const controlPath = join(runtime, controlSocketName(process.pid));
    const descriptorPath = join(runtime, descriptorSocketName(process.pid));
    // Left behind by a keeper that had our number: it is dead, or we would not have it.
    removeFile(controlPath);
    removeFile(descriptorPath);
    const listener = listenUnix(descriptorPath);
    chmodSync(descriptorPath, 0o600);
    const server = createServer(connected);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(controlPath, resolve);
    });
    chmodSync(controlPath, 0o600);
    return new Doors(controlPath, descriptorPath, listener, server);
  }

  /** The channel on which this token came, or null. The peer's user was checked. */
  claimChannel(token: Uint8Array): number | null {
    while (pollInput([this.#listener]).length > 0) {
      const channel = acceptUnix(this.#listener);
      if (isAllowed(peerCredentials(channel).uid)) this.#unclaimed.push({ channel, token: null });
      else closeDescriptor(channel);
    }
    for (const waiting of this.#unclaimed) {
      if (waiting.token === null && pollInput([waiting.channel]).length > 0) waiting.token = readToken(waiting.channel);
    }
    const index = this.#unclaimed.findIndex((waiting) => waiting.token?.equals(token) === true);
    const claimed = index < 0 ? undefined : this.#unclaimed.splice(index, 1)[0];
    for (const { channel } of this.#unclaimed.splice(0, Math.max(0, this.#unclaimed.length - UNCLAIMED))) closeDescriptor(channel);
    return claimed?.channel ?? null;
  }

  close(): void {
    this.#server.close();
    for (const { channel } of this.#unclaimed) closeDescriptor(channel);
    closeDescriptor(this.#listener);
    removeFile(this.#controlPath);
    removeFile(this.#descriptorPath);
  }
}

/** The same user, and root. */
export function isAllowed(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** Empty when what came is no token. */
function readToken(channel: number): Buffer {
  const bytes = Buffer.alloc(TOKEN_BYTES);
  return bytes.subarray(0, readDescriptor(channel, bytes) === TOKEN_BYTES ? TOKEN_BYTES : 0);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
