/** One daemon's connection: who it is, its frames, its descriptor channel. Which call does what is decided elsewhere. */
import type { Socket } from "node:net";
import { messageOf } from "../../errors.js";
import { LibcError } from "../../libc/binding.js";
import { closeDescriptor } from "../../libc/descriptors.js";
import { peerCredentials, receiveDescriptor, sendDescriptor } from "../../libc/sockets.js";
import type { Log } from "../../log.js";
import { decodeTag, encodeTag } from "../descriptor-tag.js";
import type { DescriptorTag } from "../descriptor-tag.js";
import { encodeFrame, FrameReader } from "../frames.js";
import { askFrame, asks } from "../keeper-protocol.js";
import type { Answer, Ask, CallName, ErrorBody, KeeperFrame } from "../keeper-protocol.js";
import type { Peer } from "./peer.js";

/** An answer that is an error: `code` is an errno's name. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

export type Handlers = { [C in CallName]: (connection: Connection, ask: Ask<C>) => Answer<C> };

export class Connection {
  readonly #socket: Socket;
  readonly #log: Log;
  readonly #frames = new FrameReader();
  /** Set by `hello`. */
  peer: Peer | null = null;
  /** The descriptor channel, ours to close; null before `hello`. */
  channel: number | null = null;

  constructor(socket: Socket, handlers: Handlers, log: Log, closed: (connection: Connection) => void) {
    this.#socket = socket;
    this.#log = log;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk, handlers));
    socket.on("error", (error) => log.debug({ err: error.message }, "a daemon's connection broke"));
    socket.on("close", () => {
      if (this.channel !== null) closeDescriptor(this.channel);
      this.channel = null;
      closed(this);
    });
  }

  get alive(): boolean {
    return !this.#socket.destroyed;
  }

  /** Process and user on the other side; pid 0 where the system does not say. */
  credentials(): { pid: number; uid: number } {
    // Node has no public name for the descriptor of a socket.
    const fd = (this.#socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
    return fd === undefined || fd < 0 ? { pid: 0, uid: -1 } : peerCredentials(fd);
  }

  send(frame: KeeperFrame): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(frame));
  }

  end(): void {
    this.#socket.destroy();
  }

  /** False when the channel is full. @throws when it is broken, which ends the connection */
  sendMaster(master: number, tag: DescriptorTag): boolean {
    if (this.channel === null) throw new Refusal("PROTOCOL", "hello comes first");
    try {
      return sendDescriptor(this.channel, master, encodeTag(tag));
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** All masters that have been sent to us. */
  receiveMasters(): (DescriptorTag & { master: number })[] {
    const received: (DescriptorTag & { master: number })[] = [];
    if (this.channel === null) return received;
    for (;;) {
      const next = receiveDescriptor(this.channel);
      if (next === null) return received;
      received.push({ ...decodeTag(next.message), master: next.fd });
    }
  }

  #receive(chunk: Buffer, handlers: Handlers): void {
    let values: unknown[];
    try {
      values = this.#frames.push(chunk);
    } catch (error) {
      this.#log.warn({ err: messageOf(error) }, "bytes that are not the protocol, the connection ends");
      this.end();
      return;
    }
    for (const value of values) this.#answer(value, handlers);
  }

  #answer(value: unknown, handlers: Handlers): void {
    const frame = askFrame.safeParse(value);
    if (!frame.success) {
      this.#log.warn({ err: frame.error.message }, "a frame that is no call, the connection ends");
      this.end();
      return;
    }
    const { id, call, ask } = frame.data;
    try {
      this.send({ re: id, answer: this.#perform(call, ask, handlers) });
    } catch (error) {
      this.send({ re: id, error: errorBody(error) });
      if (!(error instanceof Refusal || error instanceof LibcError)) this.#log.error({ call, err: error }, "a call failed");
    }
  }

  #perform(call: string, ask: unknown, handlers: Handlers): unknown {
    if (!Object.hasOwn(asks, call)) throw new Refusal("PROTOCOL", `no such call: ${JSON.stringify(call.slice(0, 40))}`);
    const name = call as CallName;
    if (name !== "hello" && this.channel === null) throw new Refusal("PROTOCOL", "hello comes first");
    const parsed = asks[name].safeParse(ask);
    if (!parsed.success)
      throw new Refusal(
        "PROTOCOL",
        `${name}: ${parsed.error.issues[0]?.path.join(".") ?? ""}: ${parsed.error.issues[0]?.message ?? "invalid"}`,
      );
    return (handlers[name] as (connection: Connection, ask: unknown) => unknown)(this, parsed.data);
  }
}

function errorBody(error: unknown): ErrorBody {
  if (error instanceof LibcError) return { message: error.message, code: error.code, syscall: error.syscall };
  return { message: messageOf(error), code: error instanceof Refusal ? error.code : "EIO", syscall: null };
}
