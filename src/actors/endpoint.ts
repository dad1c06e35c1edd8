/**
 * One MessagePort, three lanes: comlink's calls, the events a thread posts by itself, and the few calls that come with every key.
 * Each message is one byte that names the lane and a MessagePack value: a structured clone of the same costs more and keeps whole array
 * buffers alive.
 */
import { receiveMessageOnPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { transferHandlers } from "comlink";
import type { Endpoint, TransferHandler } from "comlink";
import { Packr } from "msgpackr";
import { ERROR_CODES, LifeguardError, messageOf } from "../errors.js";
import type { ErrorData, ErrorName } from "../errors.js";

const CALL = 0;
const EVENT = 1;
const ASK = 2;
const ANSWER = 3;

type Listener = Parameters<Endpoint["addEventListener"]>[1];

export class PackedPort {
  readonly #port: MessagePort;
  readonly #packr = new Packr({ useRecords: false });
  readonly #callListeners = new Set<Listener>();
  readonly #heard: (message: Uint8Array) => void;
  #closed = false;
  #asked = 0;
  readonly #asking = new Map<number, { resolve(value: unknown): void; reject(error: LifeguardError): void }>();
  /** Answers what the other side asks past comlink. */
  #answering: ((method: string, args: unknown[]) => unknown) | null = null;
  /** The lane of calls, as comlink wants it. */
  readonly calls: Endpoint;

  /** @param onEvent called for each message of the event lane; the other lane is comlink's */
  constructor(port: MessagePort, onEvent: (event: unknown) => void) {
    this.#port = port;
    this.#heard = (message) => {
      const value: unknown = this.#packr.unpack(message.subarray(1));
      if (message[0] === EVENT) onEvent(value);
      else if (message[0] === ASK) this.#answer(value as Asked);
      else if (message[0] === ANSWER) this.#answered(value as Answered);
      else this.#dispatch(value);
    };
    port.on("message", this.#heard);
    this.calls = {
      postMessage: (message: unknown) => this.#send(CALL, message),
      addEventListener: (_type: string, listener: Listener) => {
        this.#callListeners.add(listener);
      },
      removeEventListener: (_type: string, listener: Listener) => {
        this.#callListeners.delete(listener);
      },
    };
  }

  /** Hears what has come by now, at once rather than with the event loop's next turn. */
  hearWaiting(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port))
      this.#heard(next.message as Uint8Array);
  }

  post(event: unknown): void {
    this.#send(EVENT, event);
  }

  /**
   * A call past comlink, which would take a quarter of what a key costs: for the few that come with every key. Never settles when the other
   * side is lost, as a call does not.
   */
  ask(method: string, args: readonly unknown[]): Promise<unknown> {
    const number = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#asking.set(number, { resolve, reject });
      this.#send(ASK, [number, method, args]);
    });
  }

  /** @param answer runs in the order of the messages of both lanes; what it returns is no promise */
  answer(answer: (method: string, args: unknown[]) => unknown): void {
    this.#answering = answer;
  }

  #answer([number, method, args]: Asked): void {
    try {
      this.#send(ANSWER, [number, this.#answering?.(method, args)]);
    } catch (error) {
      this.#send(ANSWER, [number, null, thrownWire(error)]);
    }
  }

  #answered([number, value, thrown]: Answered): void {
    const asking = this.#asking.get(number);
    this.#asking.delete(number);
    if (thrown === undefined) asking?.resolve(value);
    else asking?.reject(fromWire(thrown));
  }

  /** Runs when the other side is gone or has closed; everything it posted before has been delivered by then. */
  onClose(listener: () => void): void {
    this.#port.once("close", listener);
  }

  close(): void {
    this.#closed = true;
    this.#callListeners.clear();
    this.#asking.clear();
    this.#port.close();
  }

  #send(lane: number, value: unknown): void {
    if (this.#closed) return;
    const packed = this.#packr.pack(value);
    // The packer's buffer is a window on a larger one, all of which a message would carry.
    const frame = new Uint8Array(packed.length + 1);
    frame[0] = lane;
    frame.set(packed, 1);
    this.#port.postMessage(frame, [frame.buffer]);
  }

  #dispatch(data: unknown): void {
    for (const listener of this.#callListeners) {
      const event = { data, origin: "" } as unknown as Event;
      if (typeof listener === "function") listener(event);
      else listener.handleEvent(event);
    }
  }
}

interface ThrownWire {
  name: ErrorName;
  message: string;
  data: ErrorData;
}

type Asked = [number: number, method: string, args: unknown[]];
type Answered = [number: number, value: unknown, thrown?: ThrownWire];

function thrownWire(value: unknown): ThrownWire {
  if (value instanceof LifeguardError) return { name: value.name, message: value.message, data: value.data };
  return { name: "INTERNAL", message: messageOf(value), data: {} };
}

function fromWire(wire: ThrownWire): LifeguardError {
  return new LifeguardError(wire.name in ERROR_CODES ? wire.name : "INTERNAL", wire.message, wire.data);
}

/**
 * Errors of calls keep name, message and data; comlink's own handler keeps only what every Error has. An error that is not
 * meant for callers arrives as INTERNAL. Call once in each thread.
 */
export function keepErrorsWhole(): void {
  const original = transferHandlers.get("throw");
  if (original === undefined) throw new Error("comlink has no 'throw' handler any more: its errors would arrive without their data");
  const handler: TransferHandler<unknown, ThrownWire> = {
    canHandle: (value): value is unknown => original.canHandle(value),
    serialize: (thrown) => [thrownWire((thrown as { value: unknown }).value), []],
    deserialize: (wire) => {
      throw fromWire(wire);
    },
  };
  transferHandlers.set("throw", handler);
}
