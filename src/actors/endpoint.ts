/**
 * One MessagePort, two lanes: comlink's calls, and the events a thread posts by itself. Each message is one byte that names the
 * lane and a MessagePack value: a structured clone of the same costs more and keeps whole array buffers alive.
 */
import type { MessagePort } from "node:worker_threads";
import { transferHandlers } from "comlink";
import type { Endpoint, TransferHandler } from "comlink";
import { Packr } from "msgpackr";
import { ERROR_CODES, LifeguardError, messageOf } from "../errors.js";
import type { ErrorData, ErrorName } from "../errors.js";

const CALL = 0;
const EVENT = 1;

type Listener = Parameters<Endpoint["addEventListener"]>[1];

export class PackedPort {
  readonly #port: MessagePort;
  readonly #packr = new Packr({ useRecords: false });
  readonly #callListeners = new Set<Listener>();
  #closed = false;
  /** The lane of calls, as comlink wants it. */
  readonly calls: Endpoint;

  /** @param onEvent called for each message of the event lane; the other lane is comlink's */
  constructor(port: MessagePort, onEvent: (event: unknown) => void) {
    this.#port = port;
    port.on("message", (message: Uint8Array) => {
      const value: unknown = this.#packr.unpack(message.subarray(1));
      if (message[0] === EVENT) onEvent(value);
      else this.#dispatch(value);
    });
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

  post(event: unknown): void {
    this.#send(EVENT, event);
  }

  /** Runs when the other side is gone or has closed; everything it posted before has been delivered by then. */
  onClose(listener: () => void): void {
    this.#port.once("close", listener);
  }

  close(): void {
    this.#closed = true;
    this.#callListeners.clear();
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

/**
 * Errors of calls keep name, message and data; comlink's own handler keeps only what every Error has. An error that is not
 * meant for callers arrives as INTERNAL. Call once in each thread.
 */
export function keepErrorsWhole(): void {
  const original = transferHandlers.get("throw");
  if (original === undefined) throw new Error("comlink has no 'throw' handler any more: its errors would arrive without their data");
  const handler: TransferHandler<unknown, ThrownWire> = {
    canHandle: (value): value is unknown => original.canHandle(value),
    serialize: (thrown) => {
      const { value } = thrown as { value: unknown };
      if (value instanceof LifeguardError) return [{ name: value.name, message: value.message, data: value.data }, []];
      return [{ name: "INTERNAL", message: messageOf(value), data: {} }, []];
    },
    deserialize: (wire) => {
      throw new LifeguardError(wire.name in ERROR_CODES ? wire.name : "INTERNAL", wire.message, wire.data);
    },
  };
  transferHandlers.set("throw", handler);
}
