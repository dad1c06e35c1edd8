/** What every check is given: the paths as the environment says, how to call lifeguard, and the daemon, if one answers. */
import { isAbsolute, join, resolve } from "node:path";
import { messageOf } from "../../errors.js";
import { resolvePaths } from "../../paths.js";
import type { Paths } from "../../paths.js";
import { currentDirectory, DIRECTORY_GONE } from "../current-directory.js";
import { ownCommand } from "../own-command.js";
import { problem, quoted } from "./finding.js";
import type { Finding } from "./finding.js";
import { existingPart } from "./places.js";
import { userInfo } from "node:os";

export interface Surroundings {
  env: NodeJS.ProcessEnv;
  socketFlag: string | undefined;
  paths: Paths;
  /** How the user calls us from here. */
  lifeguard: string;
}

const VARIABLES = ["LIFEGUARD_HOME", "LIFEGUARD_STATE_DIR", "LIFEGUARD_RUNTIME_DIR", "LIFEGUARD_CONFIG", "LIFEGUARD_SOCKET"];

/**
 * What is wrong with the variables, and the paths as they would be were it mended: the rest can be looked at all the same. A word
 * that the shell's profile sets comes back with the next shell, which the notes say.
 */
export function lookAround(env: NodeJS.ProcessEnv, socketFlag: string | undefined): { around: Surroundings | null; findings: Finding[] } {
  const findings: Finding[] = [];
  const mended: NodeJS.ProcessEnv = { ...env };
  const here = currentDirectory();
  if (here === null)
    findings.push(
      problem("environment", `${DIRECTORY_GONE}: no session can be started from it`, `cd ${quoted(existingPart(env["PWD"] ?? "") ?? "/")}`),
    );
  const again = "and where your shell's profile sets it: a new shell starts from there";
  for (const name of VARIABLES) {
    const value = env[name];
    if (value === undefined || value === "" || isAbsolute(value)) continue;
    const meant = resolve(here ?? "/", value);
    mended[name] = meant;
    findings.push(
      problem(
        "environment",
        `${name} is ${JSON.stringify(value)}, and must be an absolute path: it would mean another place in every directory`,
        `export ${name}=${quoted(meant)}`,
        again,
      ),
    );
  }
  if (!isAbsolute(env["HOME"] ?? "") && mended["LIFEGUARD_HOME"] === undefined && mended["LIFEGUARD_STATE_DIR"] === undefined) {
    mended["HOME"] = homeOfUser();
    if (!isAbsolute(env["XDG_STATE_HOME"] ?? ""))
      findings.push(
        problem("environment", "HOME is not set: nobody knows where lifeguard's files are", `export HOME=${quoted(homeOfUser())}`, again),
      );
  }
  try {
    const flags = socketFlag === undefined ? {} : { socket: socketFlag };
    return { around: { env: mended, socketFlag, paths: resolvePaths(mended, flags), lifeguard: ownCommand(env) }, findings };
  } catch (error) {
    return { around: null, findings: [...findings, problem("environment", messageOf(error), null)] };
  }
}

function homeOfUser(): string {
  try {
    return userInfo().homedir;
  } catch {
    return join("/home", String(process.getuid?.() ?? "user"));
  }
}
