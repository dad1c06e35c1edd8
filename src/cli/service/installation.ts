/** What a service is made of: whose it is, its paths, its environment. */
import { execFileSync } from "node:child_process";
import { LifeguardError } from "../../errors.js";
import { packageVersion } from "../../package-files.js";
import { resolvePaths } from "../../paths.js";
import type { Installation } from "./templates.js";

export interface InstallationOptions {
  system: boolean;
  /** For the system's manager: whose agents they are. */
  as?: string | undefined;
  socketFlag: string | undefined;
}

/** Handed on from who installs: where programs are found, and which language they speak. */
const KEPT = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "NODE_EXTRA_CA_CERTS"];

/** @throws LifeguardError INVALID_PARAMS (no such user, too), FORBIDDEN (the system's manager is root's) */
export function installationFor(options: InstallationOptions, env: NodeJS.ProcessEnv): Installation {
  const { system, as, socketFlag } = options;
  if (as !== undefined && !system)
    throw new LifeguardError("INVALID_PARAMS", "--as goes with --system: a user's own service is always their own", { field: "as" });
  if (system && process.getuid?.() !== 0)
    throw new LifeguardError(
      "FORBIDDEN",
      "only root installs a service of the system: use sudo, or leave --system away for one of your own",
    );
  const environment: Record<string, string> = {};
  for (const name of KEPT) {
    const value = env[name];
    if (value !== undefined && value !== "") environment[name] = value;
  }
  const user = system ? (as ?? env["SUDO_USER"] ?? "root") : null;
  // What root's environment says of directories is root's; the service of another user lies in that one's home.
  const world: NodeJS.ProcessEnv =
    user === null || (as === undefined && env["SUDO_USER"] === undefined) ? env : { PATH: env["PATH"] ?? "", HOME: homeOf(user) };
  if (user !== null) environment["HOME"] = world["HOME"] ?? homeOf(user);
  return {
    scope: system ? "system" : "user",
    user: user === "root" ? null : user,
    paths: resolvePaths(world, socketFlag === undefined ? {} : { socket: socketFlag }),
    environment,
    version: packageVersion(),
  };
}

function homeOf(user: string): string {
  try {
    const home = execFileSync("getent", ["passwd", user], { encoding: "utf8" }).split(":")[5];
    if (home !== undefined && home.startsWith("/")) return home;
  } catch {
    // Told below.
  }
  throw new LifeguardError("INVALID_PARAMS", `there is no user ${user} with a home directory: name one with --as`, { field: "as", user });
}
