/** Runs one program on a spawner to its end, reading all it prints. */
import { closeDescriptor, EAGAIN, EIO, readDescriptor } from "../../src/libc/descriptors.js";
import { peekExit, reap } from "../../src/libc/processes.js";
import type { Spawned, Spawner, SpawnerOrder } from "../../src/reaper/spawner.js";
import { waitUntil } from "./wait.js";

export interface Ended {
  code: number | null;
  signal: number | null;
}

export const PLAIN: SpawnerOrder = {
  file: "/bin/sh",
  argv: ["/bin/sh"],
  env: ["PATH=/usr/bin:/bin", "PWD=/"],
  cwd: "/",
  size: { cols: 80, rows: 24 },
  nofileSoft: 1_024,
  umask: 0o022,
};

export function shell(script: string, ...args: string[]): SpawnerOrder {
  return { ...PLAIN, argv: ["/bin/sh", "-c", script, ...args] };
}

export class Running {
  readonly born: Spawned;
  readonly #spawner: Spawner;
  #told: Ended | null = null;
  output: Buffer = Buffer.alloc(0);

  constructor(spawner: Spawner, order: SpawnerOrder) {
    this.#spawner = spawner;
    this.born = spawner.spawn(order, (status) => {
      this.#told = status;
    });
  }

  status(): Ended | null {
    if (this.#spawner.waiter === "spawner") return this.#told;
    return peekExit(this.born.pid);
  }

  read(): void {
    const page = Buffer.alloc(8_192);
    const chunks = [this.output];
    for (;;) {
      const n = readDescriptor(this.born.master, page);
      if (n === -EAGAIN || n === -EIO || n === 0) break;
      if (n < 0) throw new Error(`read: ${n}`);
      chunks.push(Buffer.from(page.subarray(0, n)));
    }
    this.output = Buffer.concat(chunks);
  }

  /** Its whole output is in `output` when this resolves, everything is closed and collected. */
  async end(): Promise<Ended> {
    await waitUntil("the program to end", () => {
      this.read();
      return this.status() !== null;
    });
    this.read();
    const { code, signal } = this.status() ?? { code: null, signal: null };
    if (this.#spawner.waiter === "caller") reap(this.born.pid);
    closeDescriptor(this.born.slave);
    closeDescriptor(this.born.master);
    return { code, signal };
  }

  text(): string {
    return this.output.toString("utf8").replaceAll("\r\n", "\n");
  }
}
