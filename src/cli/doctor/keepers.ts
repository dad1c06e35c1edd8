/** The keepers: those a daemon names, and those that a daemon has left behind. */
import type { StatusResult } from "../../rpc/client.js";
import { counted } from "../counted.js";
import { ok, problem, quoted, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import { isAlive, stateOf } from "./processes.js";
import type { KeeperProcess } from "./processes.js";
import type { Surroundings } from "./surroundings.js";

/** Of a daemon that answers. */
export function keepersOf({ keepers }: StatusResult, lifeguard: string): Finding[] {
  if (keepers.length === 0)
    return [
      problem(
        "keepers",
        "the daemon has none: no session can be started",
        `${lifeguard} daemon upgrade`,
        "a daemon that starts starts its keeper",
      ),
    ];
  return keepers.map(({ pid, version, sessions, draining }) => {
    if (stateOf(pid) === "T") return stopped(pid);
    const lives = isAlive(pid) ? "" : ", and is dead: the daemon replaces it";
    return ok(
      "keepers",
      `pid ${pid}, version ${version}, ${counted(sessions, "session")}${draining ? ", goes when they end" : ""}${lives}`,
    );
  });
}

function stopped(pid: number): Finding {
  return problem("keepers", `pid ${pid} is stopped by a signal: it starts no session, and tells of none that ends`, `kill -CONT ${pid}`);
}

export function stoppedKeepers(keepers: readonly KeeperProcess[]): Finding[] {
  return keepers.filter(({ alive, pid }) => alive && stateOf(pid) === "T").map(({ pid }) => stopped(pid));
}

/** What the keepers of a daemon that is gone still hold; null when that is nothing. */
export function heldByKeepers(keepers: readonly KeeperProcess[], { lifeguard }: Surroundings): Finding | null {
  const holding = keepers.filter(({ running, ended }) => running + ended > 0);
  if (holding.length === 0) return null;
  const sum = (of: "running" | "ended"): number => holding.reduce((so, keeper) => so + keeper[of], 0);
  const [running, ended] = [sum("running"), sum("ended")];
  const start = `${lifeguard} daemon --background`;
  const which = `none runs, and keeper ${holding.map(({ pid }) => pid).join(", ")} holds`;
  const told = ended === 1 ? "1 that has ended: the next daemon tells of it" : `${ended} that have ended: the next daemon tells of them`;
  if (running === 0) return warning("daemon", `${which} of its agents ${told}`, start);
  return problem(
    "daemon",
    `${which} ${running} of its agents: they go on, and nobody can reach them${ended === 0 ? "" : `; and ${told}`}`,
    start,
    "it takes them up as they are",
  );
}

/** Sockets that dead keepers have left. */
export function deadKeepers(keepers: readonly KeeperProcess[]): Finding[] {
  const dead = keepers.filter(({ alive }) => !alive);
  if (dead.length === 0) return [];
  return [
    warning(
      "keepers",
      `sockets of ${dead.length} dead ${dead.length === 1 ? "keeper" : "keepers"} are left over: ${dead.map(({ pid }) => pid).join(", ")}`,
      `rm ${dead.flatMap(({ sockets }) => sockets.map(quoted)).join(" ")}`,
      "the next daemon removes them too",
    ),
  ];
}
