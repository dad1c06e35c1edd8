/** Under systemd the keeper is a unit of its own: the daemon asks for it, and never makes one in its own control group. */
import { execFile } from "node:child_process";
import { LifeguardError } from "../errors.js";
import { keeperUnit } from "../unit-names.js";

/** A keeper is ready within a second; a machine that boots may need more. */
const START_MS = 30_000;

/**
 * Which manager the daemon's unit belongs to (`service install` wrote it there), or null when it was started otherwise.
 * On macOS the keeper needs no job of its own: launchd leaves alone what has a session of its own.
 */
export function managerScope(env: NodeJS.ProcessEnv): "user" | "system" | null {
  const scope = env["LIFEGUARD_SERVICE"];
  return process.platform === "linux" && (scope === "user" || scope === "system") ? scope : null;
}

/** Resolves when the keeper's unit is active. @throws LifeguardError UNAVAILABLE with what systemd said */
export async function startKeeperUnit(scope: "user" | "system", version: string): Promise<void> {
  const args = [...(scope === "user" ? ["--user"] : []), "start", keeperUnit(version)];
  await new Promise<void>((resolve, reject) => {
    execFile("systemctl", args, { timeout: START_MS }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else
        reject(
          new LifeguardError("UNAVAILABLE", `systemctl ${args.join(" ")}: ${stderr.trim() || error.message}`, {
            unit: keeperUnit(version),
          }),
        );
    });
  });
}
