/** A server on a socket of its own, and raw clients of both dialects that show every message. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { z } from "zod";
import { loadConfig, resolvePaths } from "../../src/config.js";
import type { Config } from "../../src/config.js";
import { silentLog } from "../../src/log.js";
import type { Log } from "../../src/log.js";
import { JsonLines, MessagePack } from "../../src/rpc/dialect.js";
import type { Incoming } from "../../src/rpc/dialect.js";
import { METHODS } from "../../src/rpc/methods/table.js";
import { RpcServer } from "../../src/rpc/server.js";
import { FakeSupervisor } from "./fake-supervisor.js";

export interface Fixture {
  home: string;
  socket: string;
  config: Config;
  supervisor: FakeSupervisor;
  server: RpcServer;
  end(): Promise<void>;
}

export async function startServer(rpc: Partial<Config["rpc"]> = {}, log: Log = silentLog): Promise<Fixture> {
  const home = mkdtempSync(join(tmpdir(), "lifeguard-rpc-"));
  const config = loadConfig(resolvePaths({ LIFEGUARD_HOME: home }));
  Object.assign(config.rpc, rpc);
  const supervisor = new FakeSupervisor();
  const server = new RpcServer({ config, version: "0.0.0-test", supervisor, log });
  await server.listen();
  return {
    home,
    socket: config.paths.socket,
    config,
    supervisor,
    server,
    end: async () => {
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export const DIALECTS = ["messagepack", "json"] as const;
export type DialectName = (typeof DIALECTS)[number];

export interface Refusal {
  code: number;
  name: string;
  message: string;
  data: Record<string, unknown>;
}

const LIMITS = { maxFrameBytes: 64 * 1024 * 1024, maxNesting: 128, maxValues: 10_000_000 };

/** Sends what it is told, keeps what arrives in order. */
export class RawClient {
  readonly socket: Socket;
  readonly dialect: MessagePack | JsonLines;
  readonly arrived: Incoming[] = [];
  readonly closed: Promise<void>;
  #nextId = 1;
  #wake: (() => void)[] = [];
  #ended = false;

  private constructor(socket: Socket, name: DialectName) {
    this.socket = socket;
    this.dialect = name === "json" ? new JsonLines(LIMITS) : new MessagePack(LIMITS);
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (chunk: Buffer) => {
      this.dialect.push(chunk);
      for (let message = this.dialect.next(); message !== null; message = this.dialect.next()) this.arrived.push(message);
      for (const wake of this.#wake.splice(0)) wake();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#ended = true;
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  static open(path: string, name: DialectName): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket, name));
      });
    });
  }

  send(method: string, params: Record<string, unknown>): number {
    const id = this.#nextId++;
    this.socket.write(this.dialect.request(id, method, params));
    return id;
  }

  /** The next message not yet taken that is accepted; others stay. @throws when the connection ends first */
  async take(accept: (message: Incoming) => boolean): Promise<Incoming> {
    for (;;) {
      const index = this.arrived.findIndex((message) => accept(message));
      const [found] = index < 0 ? [] : this.arrived.splice(index, 1);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error("the connection ended");
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async answer(id: number | null): Promise<{ error: Refusal | null; result: unknown }> {
    const message = await this.take((candidate) => candidate.type === "response" && candidate.id === id);
    if (message.type !== "response") throw new Error("no response");
    return { error: message.error, result: message.result };
  }

  async call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const { error, result } = await this.answer(this.send(method, params));
    if (error !== null)
      throw Object.assign(new Error(`${error.name}: ${error.message}`), { name: error.name, code: error.code, data: error.data });
    return result as Record<string, unknown>;
  }

  /** The answer, held against what the schema says; bytes in JSON have another name there. */
  async described(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const answer = await this.call(method, params);
    const shape = METHODS.get(method)?.result as z.ZodObject;
    if (this.dialect instanceof MessagePack) expect(shape.safeParse(answer).error).toBeUndefined();
    const known = Object.keys(shape.shape).flatMap((field) => [field, `${field}_b64`]);
    for (const field of Object.keys(answer)) expect(known).toContain(field);
    return answer;
  }

  /** Why it was refused. @throws when it was not */
  async refusal(method: string, params: Record<string, unknown>): Promise<Refusal> {
    const { error, result } = await this.answer(this.send(method, params));
    if (error === null) throw new Error(`${method} was not refused: ${JSON.stringify(result)}`);
    return error;
  }

  async notification(name: string): Promise<Record<string, unknown>> {
    const message = await this.take((candidate) => candidate.type === "notification" && candidate.method === name);
    const params = message.type === "notification" ? message.params : undefined;
    return (Array.isArray(params) ? params[0] : params) as Record<string, unknown>;
  }

  /** The bytes in `name` or `name_b64`. */
  static bytes(from: Record<string, unknown>, name = "data"): Buffer {
    const b64 = from[`${name}_b64`];
    return typeof b64 === "string" ? Buffer.from(b64, "base64") : Buffer.from(from[name] as Uint8Array);
  }

  end(): Promise<void> {
    this.socket.destroy();
    return this.closed;
  }
}

/** A server and a client of this dialect for each test of the suite. @param begin takes them before the test */
export function servedEach(name: DialectName, begin: (fixture: Fixture, client: RawClient) => void): void {
  let end: () => Promise<void>;
  beforeEach(async () => {
    const fixture = await startServer();
    const client = await RawClient.open(fixture.socket, name);
    end = async () => {
      await client.end();
      await fixture.end();
    };
    begin(fixture, client);
  });
  afterEach(() => end());
}
