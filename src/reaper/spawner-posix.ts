/** posix_spawn through libc: no fork of our address space, no thread per child, a true errno. Linux with glibc ≥ 2.34. */
import { constants } from "node:os";
import { LibcError } from "../libc/binding.js";
import { closeDescriptor } from "../libc/descriptors.js";
import { canSpawnOnTerminal, spawnOnTerminal } from "../libc/processes.js";
import { enableUtf8Input, openPty, openSlave } from "../libc/terminals.js";
import type { SpawnRequest } from "../libc/processes.js";
import { underLimitsOf } from "./spawner.js";
import type { Spawned, Spawner, SpawnerOrder } from "./spawner.js";

const SHELL = "/bin/sh";

export class PosixSpawner implements Spawner {
  readonly kind = "posix";
  readonly waiter = "caller";

  static available(): boolean {
    return canSpawnOnTerminal();
  }

  spawn(order: SpawnerOrder): Spawned {
    const { master, slavePath } = openPty(order.size.cols, order.size.rows);
    let slave: number | null = null;
    try {
      slave = openSlave(slavePath);
      enableUtf8Input(slave);
      const { file, argv, env, cwd } = order;
      const pid = underLimitsOf(order, () => spawnLikeExecvp({ file, argv, env, cwd, slavePath }));
      return { pid, master, slave };
    } catch (error) {
      if (slave !== null) closeDescriptor(slave);
      closeDescriptor(master);
      throw error;
    }
  }
}

/** A script without `#!` is the shell's to run, as execvp(3) has it and every shell's user expects. */
function spawnLikeExecvp(request: SpawnRequest): number {
  try {
    return spawnOnTerminal(request);
  } catch (error) {
    if (!(error instanceof LibcError) || error.errno !== constants.errno.ENOEXEC) throw error;
    return spawnOnTerminal({ ...request, file: SHELL, argv: [SHELL, request.file, ...request.argv.slice(1)] });
  }
}
