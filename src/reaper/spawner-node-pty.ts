/**
 * node-pty for systems whose libc cannot spawn on a terminal (macOS, musl, older glibc), and by configuration.
 *
 * Only its native half is used. The JavaScript half would put a paused stream on the master, which swallows the program's first
 * output even when destroyed at once on a slow day, set PWD and TERM in the environment, and report an exit up to 200 ms late.
 * The version is pinned for this, and the contract suite holds it.
 *
 * What it cannot do: `argv[0]` is always the file. It keeps a thread per child, and slows down with the number of children.
 */
import { accessSync, closeSync, constants, openSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { constants as os } from "node:os";
import { LibcError } from "../libc/binding.js";
import { closeDescriptor, duplicate, setCloseOnExec } from "../libc/descriptors.js";
import { openSlave } from "../libc/terminals.js";
import { underLimitsOf } from "./spawner.js";
import type { Spawned, SpawnedExit, Spawner, SpawnerOrder } from "./spawner.js";

interface NativePty {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    exited: (code: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
}

const KEEP_ID = -1;
/** openpty takes two at once; the rest is for what libc may open on the way. */
const SPARE_NUMBERS = 6;

export class NodePtySpawner implements Spawner {
  readonly kind = "node-pty";
  readonly waiter = "spawner";
  readonly #native: NativePty;
  /** The program that sets the child up on macOS. */
  readonly #helper: string;
  readonly #lowNumbers = new LowNumbers();

  constructor() {
    const require = createRequire(import.meta.url);
    const utils = require.resolve("node-pty/lib/utils.js");
    const { loadNativeModule } = require(utils) as { loadNativeModule(name: string): { dir: string; module: NativePty } };
    const { dir, module } = loadNativeModule("pty");
    closeAllOnExec();
    this.#lowNumbers.fill(SPARE_NUMBERS);
    this.#native = module;
    this.#helper = join(dirname(utils), dir, "spawn-helper");
  }

  spawn(order: SpawnerOrder, exited: SpawnedExit): Spawned {
    refuseWhatExecWould(order);
    this.#lowNumbers.free();
    try {
      const forked = underLimitsOf(order, () =>
        this.#native.fork(
          order.file,
          order.argv.slice(1),
          order.env,
          order.cwd,
          order.size.cols,
          order.size.rows,
          KEEP_ID,
          KEEP_ID,
          true,
          this.#helper,
          (code, signal) => {
            exited(signal === 0 ? { code, signal: null } : { code: null, signal });
          },
        ),
      );
      // Its master is not close-on-exec; the duplicate is from its first moment, and has a number that nobody else will need.
      this.#lowNumbers.fill(SPARE_NUMBERS - 1);
      const master = duplicate(forked.fd);
      closeDescriptor(forked.fd);
      this.#lowNumbers.fill(SPARE_NUMBERS);
      return { pid: forked.pid, master, slave: openSlave(forked.pty) };
    } finally {
      this.#lowNumbers.fill(SPARE_NUMBERS);
    }
  }
}

/**
 * Descriptors held for their small numbers. While node-pty forks, our own soft limit is the order's, maybe far below the number of
 * descriptors we hold: its openpty succeeds only if numbers below that limit are free.
 */
class LowNumbers {
  readonly #held: number[] = [];

  /** Takes the smallest that are free until `count` are held. */
  fill(count: number): void {
    while (this.#held.length < count) this.#held.push(openSync("/dev/null", "r"));
  }
  free(): void {
    for (const fd of this.#held.splice(0)) closeSync(fd);
  }
}

/**
 * What we have inherited ourselves. node-pty's own closing stops at the first gap in the numbers where the kernel's headers it was
 * built with had no close_range; everything that is opened later is close-on-exec from birth.
 */
function closeAllOnExec(): void {
  for (const name of readdirSync("/dev/fd")) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      setCloseOnExec(fd);
    } catch {
      // The descriptor of the listing itself.
    }
  }
}

/** node-pty shows what fails after the fork as text on the terminal and exit 1: find the errno before it. */
function refuseWhatExecWould(order: SpawnerOrder): void {
  const attempt = (syscall: string, check: () => void): void => {
    try {
      check();
    } catch (error) {
      throw new LibcError(syscall, -((error as NodeJS.ErrnoException).errno ?? -os.errno.EIO));
    }
  };
  attempt("chdir", () => {
    if (!statSync(order.cwd).isDirectory()) throw Object.assign(new Error(), { errno: -os.errno.ENOTDIR });
    accessSync(order.cwd, constants.X_OK);
  });
  attempt("execve", () => {
    const file = statSync(order.file);
    accessSync(order.file, constants.X_OK);
    if (!file.isFile()) throw Object.assign(new Error(), { errno: -os.errno.EACCES });
  });
}
