/**
 * Limits on one session's memory, processor and processes: its process starts in a scope of systemd's own, a control group that
 * the kernel holds to them. One agent that eats its memory then takes down itself, not the fleet.
 *
 * systemd-run makes the scope and becomes the program: pid, terminal and exit status are the program's own.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { LifeguardError } from "../errors.js";
import type { SessionLimits } from "../session.js";

const SYSTEMD_RUN = "/usr/bin/systemd-run";

/** @throws LifeguardError UNSUPPORTED where no systemd is there to hold the session to them */
export function checkLimits(limits: SessionLimits | undefined): void {
  if (limits === undefined) return;
  try {
    accessSync(SYSTEMD_RUN, constants.X_OK);
    if (existsSync("/run/systemd/system")) return;
  } catch {
    // Told below.
  }
  throw new LifeguardError(
    "UNSUPPORTED",
    "limits need systemd, which does not run here: leave limits away, or set them with ulimit in the command",
    {
      field: "limits",
    },
  );
}

/** The unit in which agents live, and whose manager's it is. */
export interface KeeperUnit {
  name: string;
  scope: "user" | "system";
}

export interface Program {
  file: string;
  argv: string[];
  env: string[];
}

/**
 * The program as systemd-run starts it. The program's own name becomes its path, which systemd-run leaves no way around.
 *
 * @param keeper the keeper's unit, with which the session ends; null when the keeper is none
 * @param launch makes the scope's name one that was never used
 */
export function inScope(program: Program, limits: SessionLimits, keeper: KeeperUnit | null, launch: string): Program {
  const properties = [
    ...(limits.memory_max === undefined ? [] : [`MemoryMax=${limits.memory_max}`]),
    ...(limits.cpu_weight === undefined ? [] : [`CPUWeight=${limits.cpu_weight}`]),
    ...(limits.tasks_max === undefined ? [] : [`TasksMax=${limits.tasks_max}`]),
    ...(keeper === null ? [] : [`PartOf=${keeper.name}`]),
  ];
  const scope = keeper?.scope ?? (process.getuid?.() === 0 ? "system" : "user");
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const reachable = scope === "system" || program.env.some((pair) => pair.startsWith("XDG_RUNTIME_DIR="));
  return {
    file: SYSTEMD_RUN,
    argv: [
      SYSTEMD_RUN,
      ...(scope === "user" ? ["--user"] : []),
      "--scope",
      "--quiet",
      "--collect",
      `--unit=lifeguard-${launch}`,
      ...properties.map((property) => `--property=${property}`),
      "--",
      program.file,
      ...program.argv.slice(1),
    ],
    // The user's manager is found through this directory.
    env: reachable || runtime === undefined ? program.env : [...program.env, `XDG_RUNTIME_DIR=${runtime}`],
  };
}
