/** The daemon's end of one connection to one keeper: calls with deadlines, exits as they are told, masters in both directions. */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { LifeguardError, messageOf } from "../errors.js";
import { LibcError } from "../libc/binding.js";
import { closeDescriptor, writeDescriptor } from "../libc/descriptors.js";
import { connectUnix, receiveDescriptor, sendDescriptor } from "../libc/sockets.js";
import { decodeTag, encodeTag } from "./descriptor-tag.js";
import type { DescriptorTag } from "./descriptor-tag.js";
import { encodeFrame, FrameReader } from "./frames.js";
import { answers, controlSocketName, descriptorSocketName, KEEPER_PROTOCOL, keeperFrame, TOKEN_BYTES } from "./keeper-protocol.js";
import type { Answer, Ask, CallName, ErrorBody, ExitedEvent } from "./keeper-protocol.js";
import { ProcessHandle } from "./process-handle.js";

/** A keeper answers in well under a millisecond; one that does not for so long is stuck. At the bound: TIMEOUT. */
const CALL_DEADLINE_MS = 10_000;

/** The keeper said no. `code` is an errno's name. */
export class KeeperRefusal extends Error {
  readonly code: string;
  readonly syscall: string | null;
  constructor(body: ErrorBody) {
    super(body.message);
    this.name = "KeeperRefusal";
    this.code = body.code;
    this.syscall = body.syscall;
  }
}

export interface LinkListener {
  exited(event: ExitedEvent): void;
  /** The connection is over; every pending call has been rejected. */
  closed(link: KeeperLink): void;
}

interface Pending {
  call: CallName;
  resolve(answer: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

export class KeeperLink {
  readonly pid: number;
  version = "";
  /** The keeper's process: the connection may end before it does. */
  readonly process: ProcessHandle;
  readonly #socket: Socket;
  readonly #channel: number;
  readonly #listener: LinkListener;
  readonly #frames = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  /** Arrived and not taken yet. */
  readonly #masters = new Map<number, { generation: number; master: number }>();
  #lastId = 0;
  #closed = false;

  private constructor(pid: number, handle: ProcessHandle, socket: Socket, channel: number, listener: LinkListener) {
    this.pid = pid;
    this.process = handle;
    this.#socket = socket;
    this.#channel = channel;
    this.#listener = listener;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#end());
  }

  /**
   * @returns null when there is no such process: its sockets are stale
   * @throws the connect's error (ECONNREFUSED, ENOENT), LifeguardError for a keeper that does not answer as one
   */
  static async connect(runtime: string, pid: number, version: string, listener: LinkListener): Promise<KeeperLink> {
    const socket = await connectControl(join(runtime, controlSocketName(pid)));
    let link: KeeperLink | null = null;
    try {
      const handle = ProcessHandle.open(pid);
      if (handle === null) throw new LifeguardError("UNAVAILABLE", `keeper ${pid} is gone`);
      const channel = openChannel(runtime, handle);
      link = new KeeperLink(pid, handle, socket, channel, listener);
      const token = randomBytes(TOKEN_BYTES);
      const written = writeDescriptor(channel, token);
      if (written !== TOKEN_BYTES) throw new LibcError("write(token)", -written);
      const hello = await link.call("hello", { protocol: KEEPER_PROTOCOL, version, token, pid: process.pid });
      if (hello.protocol > KEEPER_PROTOCOL)
        throw new LifeguardError(
          "UNSUPPORTED",
          `keeper ${pid} (${hello.version}) speaks protocol ${hello.protocol}, this daemon up to ${KEEPER_PROTOCOL}: start a newer daemon`,
        );
      link.version = hello.version;
      return link;
    } catch (error) {
      link?.close();
      link?.process.close();
      socket.destroy();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * @param late has the answer that comes after the deadline
   * @throws KeeperRefusal, LifeguardError TIMEOUT or UNAVAILABLE (the connection ended)
   */
  async call<C extends CallName>(call: C, ask: Ask<C>, late?: (answer: Answer<C>) => void): Promise<Answer<C>> {
    if (this.#closed) throw this.#gone();
    const id = ++this.#lastId;
    const frame = encodeFrame({ id, call, ask });
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        if (late === undefined) this.#pending.delete(id);
        else this.#pending.set(id, { call, resolve: (value) => late(value as Answer<C>), reject: () => undefined, timer });
        reject(new LifeguardError("TIMEOUT", `keeper ${this.pid} did not answer ${call} within ${CALL_DEADLINE_MS / 1_000} s`));
      }, CALL_DEADLINE_MS);
      this.#pending.set(id, { call, resolve, reject, timer });
    });
    this.#socket.write(frame);
    return (await answer) as Answer<C>;
  }

  /** The master that the keeper sent for this lease, now ours; null when it is not there. */
  takeMaster(tag: DescriptorTag): number | null {
    if (this.#closed) return null;
    for (;;) {
      const next = receiveDescriptor(this.#channel);
      if (next === null) break;
      const { session, generation } = decodeTag(next.message);
      this.#discard(session);
      this.#masters.set(session, { generation, master: next.fd });
    }
    const waiting = this.#masters.get(tag.session);
    if (waiting === undefined || waiting.generation !== tag.generation) return null;
    this.#masters.delete(tag.session);
    return waiting.master;
  }

  /** Sends a master ahead of an `adopt` that speaks of it. False when the channel is full. */
  sendMaster(master: number, tag: DescriptorTag): boolean {
    if (this.#closed) throw this.#gone();
    return sendDescriptor(this.#channel, master, encodeTag(tag));
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const value of this.#frames.push(chunk)) this.#frame(value);
    } catch {
      // No keeper of ours: nothing it says can be trusted any more.
      this.#socket.destroy();
    }
  }

  #frame(value: unknown): void {
    const frame = keeperFrame.parse(value);
    if ("event" in frame) {
      this.#listener.exited(frame.body);
      return;
    }
    const pending = this.#pending.get(frame.re);
    if (pending === undefined) return;
    this.#pending.delete(frame.re);
    clearTimeout(pending.timer);
    if ("error" in frame) {
      pending.reject(new KeeperRefusal(frame.error));
      return;
    }
    const answer = answers[pending.call].safeParse(frame.answer);
    if (answer.success) pending.resolve(answer.data);
    else
      pending.reject(
        new LifeguardError("INTERNAL", `keeper ${this.pid} answered ${pending.call} in a shape that is none: ${messageOf(answer.error)}`),
      );
  }

  #discard(session: number): void {
    const waiting = this.#masters.get(session);
    if (waiting !== undefined) closeDescriptor(waiting.master);
    this.#masters.delete(session);
  }

  #gone(): LifeguardError {
    return new LifeguardError("UNAVAILABLE", `the connection to keeper ${this.pid} has ended`, { keeper: this.pid });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const session of [...this.#masters.keys()]) this.#discard(session);
    closeDescriptor(this.#channel);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#gone());
    }
    this.#pending.clear();
    this.#listener.closed(this);
  }
}

function openChannel(runtime: string, handle: ProcessHandle): number {
  try {
    return connectUnix(join(runtime, descriptorSocketName(handle.pid)));
  } catch (error) {
    handle.close();
    throw error;
  }
}

async function connectControl(path: string): Promise<Socket> {
  return await new Promise<Socket>((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
