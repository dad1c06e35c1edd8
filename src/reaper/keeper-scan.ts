/** Finds the keepers of a runtime directory by their sockets, and clears away the sockets of dead ones. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { KeeperLink } from "./keeper-link.js";
import type { LinkListener } from "./keeper-link.js";
import { controlSocketName, descriptorSocketName, keeperPidOf } from "./keeper-protocol.js";
import { ProcessHandle } from "./process-handle.js";

export interface KeeperScan {
  runtime: string;
  version: string;
  /** Pids that are connected already. */
  known: ReadonlySet<number>;
  listener: LinkListener;
  log: Log;
}

/** Between a keeper's bind and its listen a connect is refused: a refusal by a live process is asked for again. */
const SECOND_LOOK_MS = 250;

/** Connects every keeper that is not known yet. One that does not answer as a keeper is logged and left alone. */
export async function findKeepers(scan: KeeperScan): Promise<KeeperLink[]> {
  const pids = readdirSync(scan.runtime)
    .map(keeperPidOf)
    .filter((pid): pid is number => pid !== null && !scan.known.has(pid));
  const links = await Promise.all(pids.map((pid) => tryKeeper(pid, scan)));
  return links.filter((link) => link !== null);
}

async function tryKeeper(pid: number, scan: KeeperScan): Promise<KeeperLink | null> {
  for (let look = 1; ; look++) {
    try {
      return await KeeperLink.connect(scan.runtime, pid, scan.version, scan.listener);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT") return null;
      if (code !== "ECONNREFUSED") {
        scan.log.error({ keeper: pid, err: messageOf(error) }, "a keeper's socket that cannot be used, left alone");
        return null;
      }
    }
    const alive = ProcessHandle.open(pid);
    alive?.close();
    if (alive === null || look > 1) {
      scan.log.info({ keeper: pid }, "a dead keeper's sockets removed");
      for (const name of [controlSocketName(pid), descriptorSocketName(pid)]) rmSync(join(scan.runtime, name), { force: true });
      return null;
    }
    await sleep(SECOND_LOOK_MS);
  }
}
