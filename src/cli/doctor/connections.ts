/** A daemon that is well and takes no more clients: how many it has, who they are, and how others get in again. */
import { execFile } from "node:child_process";
import { counted } from "../counted.js";
import { printable } from "../printable.js";
import { problem } from "./finding.js";
import type { Finding } from "./finding.js";
import { commandOf } from "./processes.js";
import type { Surroundings } from "./surroundings.js";

/** Processes that are named; the rest are counted. */
const NAMED = 3;

/**
 * Nothing here ends the daemon: it serves everybody who is connected.
 * @param refusal the daemon's own words, which say how many they are and by which setting
 */
export async function atTheLimit({ paths, lifeguard }: Surroundings, pid: number | null, refusal: string): Promise<Finding> {
  const all = await clientsOf(paths.socket);
  const clients = all.slice(0, NAMED);
  const named = clients.map(([client, connections]) => {
    const command = commandOf(client).slice(0, 2).join(" ");
    return `pid ${client}${command === "" ? "" : ` (${printable(command)})`} has ${connections}`;
  });
  const more = all.length > NAMED ? [counted(all.length - NAMED, "process has others", "processes have others")] : [];
  return problem(
    "daemon",
    `it is well${pid === null ? "" : ` (pid ${pid})`}, and takes no more clients: ${printable(refusal)}${clients.length === 0 ? "" : `. ${[...named, ...more].join(", ")}`}`,
    clients.length === 0 ? null : `ps -o pid,ppid,lstart,args -p ${clients.map(([client]) => client).join(",")}`,
    `close what nobody needs, or set max_connections higher in [rpc] of ${paths.config}: once one has been closed, ${lifeguard} daemon reload has it heeded`,
  );
}

/** Processes and how many connections each has, the most first. Empty where there is no ss(8), or it may not tell. */
async function clientsOf(socket: string): Promise<[pid: number, connections: number][]> {
  const said = await new Promise<string>((resolve) => {
    execFile("ss", ["-xp"], { timeout: 2_000, maxBuffer: 16 * 1_048_576 }, (error, stdout) => resolve(error === null ? stdout : ""));
  });
  // `u_str ESTAB 0 0 /run/lifeguard.sock 3966319 * 3966318 users:(("node",pid=12,fd=5))`: an end, its inode, and the other end's.
  const ends = [...said.matchAll(/^u_str\s+ESTAB\s+\d+\s+\d+\s+(\S.*?)\s+(\d+)\s+\*\s+(\d+)(.*)$/gm)];
  const others = new Set(ends.filter(([, path]) => path === socket).map(([, , , other]) => other));
  const byPid = new Map<number, number>();
  for (const [, , inode, , users = ""] of ends) {
    if (!others.has(inode)) continue;
    const pids = new Set([...users.matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid)));
    for (const pid of pids) byPid.set(pid, (byPid.get(pid) ?? 0) + 1);
  }
  return [...byPid].toSorted(([, a], [, b]) => b - a);
}
