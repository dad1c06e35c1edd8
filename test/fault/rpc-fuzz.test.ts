/**
 * What a hostile or broken client can do to the daemon: nothing. A million random and mutated frames in both dialects, thousands
 * of connections that are opened and forgotten; meanwhile another client is answered, and memory stays where it was.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Client } from "../../src/rpc/client.js";
import { METHODS } from "../../src/rpc/methods/table.js";
import { Packer } from "../../src/rpc/pack.js";
import { figure, quantile, sample, seeded } from "../support/figures.js";
import { checkLeaks } from "../support/leaks.js";
import { descriptorsOf } from "../support/processes.js";
import { waitUntil, within } from "../support/wait.js";

checkLeaks();

const MIB = 1 << 20;
const packer = new Packer();

let home: string;
let target: ChildProcess;
let said: Interface;
let socketPath: string;
let bystander: Client;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "lifeguard-fuzz-"));
  socketPath = join(home, "run", "lifeguard.sock");
  target = spawn(process.execPath, ["--expose-gc", fileURLToPath(new URL("rpc-target.mjs", import.meta.url))], {
    env: { ...process.env, LIFEGUARD_HOME: home },
    stdio: ["pipe", "pipe", "inherit"],
  });
  said = createInterface({ input: target.stdout as Readable });
  expect(await within("the target to listen", nextLine())).toBe("ready");
  bystander = await Client.connect({ socket: socketPath });
});

afterEach(async () => {
  await bystander.close();
  const ended = new Promise<number | null>((resolve) => target.once("exit", resolve));
  if (target.exitCode === null && target.signalCode === null) {
    target.kill("SIGTERM");
    await within("the target to end", ended);
  }
  rmSync(home, { recursive: true, force: true });
});

/** Another client calls again and again, until told to stop; answers with how long each call took, ms. */
async function keepCalling(): Promise<() => Promise<number[]>> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("rpc-bystander.mjs", import.meta.url)), socketPath], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await waitUntil("the other client to begin", () => printed.startsWith("ready\n"));
  return async () => {
    child.stdin.end();
    expect(await within("the other client to end", ended)).toBe(0);
    return JSON.parse(printed.slice("ready\n".length)) as number[];
  };
}

/** The next line that the target prints. @throws Error when it ends instead */
function nextLine(): Promise<string> {
  return new Promise((resolve, reject) => {
    said.once("line", resolve);
    target.once("exit", () => reject(new Error("the target has ended")));
  });
}

/** Bytes the target holds, once what it does not hold any more has been collected. */
async function heldMemory(): Promise<{ heap: number; rss: number }> {
  const answer = within("the target to say what it holds", nextLine());
  target.stdin?.write("held\n");
  return JSON.parse(await answer) as { heap: number; rss: number };
}

class Frames {
  readonly #random: () => number;
  constructor(random: () => number) {
    this.#random = random;
  }

  int(below: number): number {
    return Math.floor(this.#random() * below);
  }

  one<T>(of: readonly T[]): T {
    const [chosen] = of.slice(this.int(of.length));
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen;
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.int(most) }, () => this.int(256)));
  }

  value(depth = 0): unknown {
    switch (this.int(depth > 3 ? 8 : 11)) {
      case 0:
        return this.one([null, true, false]);
      case 1:
        return this.one([0, -1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 1e300, 0.1, 65_536]);
      case 2:
        return this.int(1_000);
      case 3:
        return this.one([
          "",
          "sess_1",
          "sess_2",
          "../..",
          "\0",
          "é",
          "💥",
          "__proto__",
          "constructor",
          "idle",
          "text",
          "x".repeat(this.int(300)),
        ]);
      case 4:
        return String.fromCharCode(...this.bytes(20));
      case 5:
        return this.bytes(200);
      case 6:
        return ["exited"];
      case 7:
        return "sess_1";
      case 8:
        return Array.from({ length: this.int(6) }, () => this.value(depth + 1));
      default:
        return Object.fromEntries(
          Array.from({ length: this.int(5) }, () => [
            this.one(["id", "boot", "seq", "a", "__proto__", "optional", "data"]),
            this.value(depth + 1),
          ]),
        );
    }
  }

  /** A well-formed request of some method, its parameters anything between right and absurd. */
  request(id: number, json: boolean): Buffer {
    const method = METHODS.get(this.one([...METHODS.keys()]));
    const name = method === undefined || this.int(20) === 0 ? this.one(["", "no.such", "session.", "toString", "__proto__"]) : method.name;
    const fields = [...Object.keys(method?.params.shape ?? {}), "data_b64", "unknown"];
    const params: Record<string, unknown> = this.int(3) > 0 ? { id: "sess_1" } : {};
    for (let n = this.int(4); n > 0; n--) params[this.one(fields)] = this.value();
    const shape = this.one<unknown>([params, params, params, params, params, [], [[]], this.value()]);
    if (json) return Buffer.from(`${JSON.stringify({ id, method: name, params: shape })}\n`);
    return packer.pack(this.int(10) === 0 ? [2, name, [shape]] : [0, id, name, [shape]]);
  }

  /** A frame that was right until bytes of it were changed, cut, doubled; or that never was. */
  wild(json: boolean): Buffer {
    if (this.int(4) === 0) return this.bytes(120);
    const frame = Buffer.from(this.request(this.int(1_000), json));
    for (let n = 1 + this.int(4); n > 0 && frame.length > 0; n--) {
      const at = this.int(frame.length);
      switch (this.int(4)) {
        case 0:
          frame[at] = this.int(256);
          break;
        case 1:
          frame[at] = frame.readUInt8(at) ^ (1 << this.int(8));
          break;
        case 2:
          frame[at] = this.one([0xc1, 0xc7, 0xd4, 0xdb, 0xdd, 0xdf, 0xc6, 0x7b, 0x5b, 0x22, 0x0a]);
          break;
        default:
          return Buffer.concat([frame.subarray(0, at), this.bytes(8), frame.subarray(this.int(frame.length))]);
      }
    }
    return frame;
  }
}

const MARKER = "marker.reached";

/**
 * One connection: well-formed frames, a marker that the server names in its answer, one wild frame. Gone as soon as the marker
 * is answered (everything came in one piece, so the wild one has been looked at) or the server has closed.
 */
function fire(frames: Frames, json: boolean, most: number): Promise<{ frames: number; refused: boolean }> {
  const count = 1 + frames.int(most);
  const parts: Buffer[] = [];
  for (let n = 0; n < count - 1; n++) parts.push(frames.request(n, json));
  parts.push(json ? Buffer.from(`{"id":9999,"method":"${MARKER}"}\n`) : packer.pack([0, 9_999, MARKER, []]), frames.wild(json));
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    let reached = false;
    let refused = false;
    let tail = "";
    socket.on("error", () => undefined);
    socket.once("connect", () => socket.write(Buffer.concat(parts)));
    socket.on("data", (chunk: Buffer) => {
      tail = tail.slice(-64) + chunk.toString("latin1");
      if (!reached && tail.includes(MARKER)) {
        reached = true;
        tail = tail.slice(tail.indexOf(MARKER));
        setImmediate(() => socket.destroy());
      }
      // What the server says last, before it closes.
      if (reached) refused ||= tail.includes("PROTOCOL");
      tail = tail.slice(-64);
    });
    socket.once("close", () => resolve({ frames: count, refused }));
  });
}

it("a million random and mutated frames", async () => {
  const total = sample("hostile frames", 1_000_000, 20_000);
  const frames = new Frames(seeded("hostile frames", 20_240_601));
  const stopCalling = await keepCalling();
  let sent = 0;
  let connections = 0;
  let refused = 0;
  let before: { heap: number; rss: number } | undefined;
  const worker = async (json: boolean): Promise<void> => {
    while (sent < total) {
      const outcome = await fire(frames, json, 12);
      sent += outcome.frames;
      connections++;
      if (outcome.refused) refused++;
      // Compiled code and pools have grown to their size by then.
      if (before === undefined && sent > total / 5) before = await heldMemory();
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: 16 }, (_, n) => worker(n % 2 === 0)));
  const seconds = (performance.now() - began) / 1_000;
  const took = await stopCalling();
  expect(target.exitCode ?? target.signalCode).toBeNull();
  await waitUntil("all fuzzing connections to be closed", async () => (await bystander.call("daemon.status")).connections === 1);
  const status = await bystander.call("daemon.status");
  const after = await heldMemory();
  figure("frames sent", sent);
  figure("connections they took", connections);
  figure("of these closed by the server", refused);
  figure("frames a second", sent / seconds);
  figure("memory held, growth", (after.heap - (before?.heap ?? 0)) / MIB, "MiB");
  figure("resident, growth", (after.rss - (before?.rss ?? 0)) / MIB, "MiB");
  figure("another client's list meanwhile, p50", quantile(took, 0.5), "ms");
  figure("another client's list meanwhile, p99", quantile(took, 0.99), "ms");
  expect(status).toMatchObject({ watches: 0, threads: [{ actors: 0 }] });
  expect(after.heap - (before?.heap ?? 0)).toBeLessThan(16 * MIB);
  expect(after.rss - (before?.rss ?? 0)).toBeLessThan(96 * MIB);
  expect(refused).toBeGreaterThan(0);
});

/** Opened, then left in every way a client can leave. */
const LEFT: Readonly<Record<string, (socket: Socket) => void>> = {
  "without a word": (socket) => socket.destroy(),
  "within a frame": (socket) => socket.write(Buffer.from([0x94, 0, 1, 0xdb, 0, 0x10, 0, 0, 0x61]), () => socket.destroy()),
  "within a line": (socket) => socket.write('{"id":1,"method":"', () => socket.destroy()),
  "half closed within a frame": (socket) => socket.end(Buffer.from([0x94, 0, 1])),
  "half closed with a wait under way": (socket) =>
    socket.end('{"id":1,"method":"session.wait","params":{"id":"sess_1","until":["busy"]}}\n', () => socket.destroy()),
  "with a wait under way": (socket) =>
    socket.write(packer.pack([0, 1, "session.wait", [{ id: "sess_1", until: ["busy"] }]]), () => socket.destroy()),
  "with a watch that floods it": (socket) =>
    socket.write(packer.pack([0, 1, "session.watch", [{ id: "sess_1", since: 0 }]]), () => socket.destroy()),
  "with a subscription": (socket) => socket.write('{"id":1,"method":"events.subscribe"}\n', () => socket.destroy()),
  "with large answers it never reads": (socket) => {
    socket.pause();
    const requests = Array.from({ length: 20 }, (_, id) =>
      packer.pack([0, id, "session.read", [{ id: "sess_1", since: 0, max: 8 * MIB }]]),
    );
    socket.write(Buffer.concat(requests), () => socket.destroy());
  },
};

it("connections that are half open or abandoned", async () => {
  const total = sample("abandoned connections", 10_000, 300);
  const ways = Object.values(LEFT);
  const wayOf = (n: number): ((socket: Socket) => void) => ways[n % ways.length] ?? ((socket) => socket.destroy());
  const descriptors = descriptorsOf(target.pid ?? 0).size;
  const stopCalling = await keepCalling();
  let opened = 0;
  let notOpened = 0;
  /** A full queue of connections refuses: then it is tried again, so that as many as are said are opened. */
  const abandon = (way: (socket: Socket) => void): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ path: socketPath });
      let connected = false;
      socket.on("error", () => undefined);
      socket.once("connect", () => {
        connected = true;
        opened++;
        way(socket);
      });
      socket.once("close", () => {
        if (connected) {
          resolve();
          return;
        }
        notOpened++;
        setTimeout(() => resolve(abandon(way)), 5);
      });
      socket.resume();
    });
  // As many at once as the daemon takes, and some that it does not.
  const worker = async (first: number): Promise<void> => {
    for (let n = first; n < total; n += 280) {
      await abandon(wayOf(n));
    }
  };
  await Promise.all(Array.from({ length: 280 }, (_, n) => worker(n)));
  const took = await stopCalling();
  await waitUntil("every abandoned connection to be closed", async () => (await bystander.call("daemon.status")).connections === 1);
  const before = await heldMemory();
  // The same again must not need more.
  await Promise.all(Array.from({ length: 280 }, (_, n) => abandon(wayOf(n))));
  await waitUntil("every abandoned connection to be closed", async () => (await bystander.call("daemon.status")).connections === 1);
  const after = await heldMemory();
  const status = await bystander.call("daemon.status");
  figure("connections abandoned", opened);
  figure("tries that found the queue full", notOpened);
  figure("memory held, growth over the last 280", (after.heap - before.heap) / MIB, "MiB");
  figure("another client's list meanwhile, p99", quantile(took, 0.99), "ms");
  expect(target.exitCode ?? target.signalCode).toBeNull();
  expect(status).toMatchObject({ watches: 0, threads: [{ actors: 0 }] });
  expect(after.heap - before.heap).toBeLessThan(8 * MIB);
  await waitUntil("the target's descriptors to be what they were", () => descriptorsOf(target.pid ?? 0).size <= descriptors);
});
