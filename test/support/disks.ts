/** Disks of a test's own, which can be full and can hang. Only root may mount: elsewhere the tests that need one are skipped. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MIB = 1_048_576;

export interface Disk {
  /** Makes it the disk of this directory, which is there and empty. */
  mount(directory: string): void;
  /** Ends a hang: what waits for the disk could not be ended otherwise. */
  thaw?(): void;
  /** Harmless when it is not mounted. */
  unmount(): void;
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** @param bytes its size */
export class MemoryDisk implements Disk {
  readonly #bytes: number;
  #directory: string | null = null;
  #filler = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  mount(directory: string): void {
    run("mount", "-t", "tmpfs", "-o", `size=${this.#bytes},mode=0700`, "lifeguard-test", directory);
    this.#directory = directory;
  }

  get #at(): string {
    if (this.#directory === null) throw new Error("the disk is not mounted");
    return this.#directory;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#at);
    return bavail * bsize;
  }

  /** Takes every block that is left. */
  fill(): void {
    const file = openSync(join(this.#at, `filler-${(this.#filler += 1)}`), "w");
    try {
      for (;;) writeSync(file, Buffer.alloc(4_096, 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what {@link fill} has taken. */
  makeRoom(): void {
    for (; this.#filler > 0; this.#filler--) rmSync(join(this.#at, `filler-${this.#filler}`), { force: true });
  }

  unmount(): void {
    if (this.#directory !== null) run("umount", "--lazy", this.#directory);
    this.#directory = null;
  }
}

/** A real file system whose writes hang while it is frozen, as those of a lost network disk do; reads are answered. */
export class FreezableDisk implements Disk {
  readonly #image: string = mkdtempSync(join(tmpdir(), "lifeguard-disk-"));
  #directory: string | null = null;
  #frozen = false;

  mount(directory: string): void {
    const image = join(this.#image, "image");
    writeFileSync(image, "");
    truncateSync(image, 32 * MIB);
    run("mkfs.ext4", "-q", "-F", image);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    run("mount", "-o", "loop,noatime", image, directory);
    this.#directory = directory;
    rmSync(join(directory, "lost+found"), { recursive: true });
  }

  freeze(): void {
    run("fsfreeze", "--freeze", this.#directory ?? "");
    this.#frozen = true;
  }

  thaw(): void {
    if (this.#frozen) run("fsfreeze", "--unfreeze", this.#directory ?? "");
    this.#frozen = false;
  }

  unmount(): void {
    this.thaw();
    if (this.#directory !== null) run("umount", "--lazy", this.#directory);
    this.#directory = null;
    rmSync(this.#image, { recursive: true, force: true });
  }
}

/** Whether a disk of this kind can be mounted here: tried once. */
export function canMount(disk: MemoryDisk | FreezableDisk): boolean {
  const directory = mkdtempSync(join(tmpdir(), "lifeguard-disk-"));
  try {
    disk.mount(directory);
    if (disk instanceof FreezableDisk) disk.freeze();
    return true;
  } catch {
    return false;
  } finally {
    disk.unmount();
    rmSync(directory, { recursive: true, force: true });
  }
}
