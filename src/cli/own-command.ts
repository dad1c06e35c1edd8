/** How the user would call us from here: `lifeguard` when that is on the PATH and is this one, else the path of the checkout's. */
import { realpathSync } from "node:fs";
import { basename, delimiter, isAbsolute, join, relative } from "node:path";
import { packageFile } from "../package-files.js";
import { currentDirectory } from "./current-directory.js";

/**
 * The words that run this lifeguard from any directory and with any PATH, for the settings of other programs. Names on the PATH are
 * preferred to what they stand for: an upgrade of Node or of lifeguard keeps the name and may move the file.
 */
export function lastingCommand(env: NodeJS.ProcessEnv): string[] {
  return [lastingPath(process.execPath, env), lastingPath(ownLauncher(), env)];
}

function lastingPath(file: string, env: NodeJS.ProcessEnv): string {
  const real = realpathSync(file);
  for (const directory of (env["PATH"] ?? "").split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    try {
      const path = join(directory, basename(file));
      if (realpathSync(path) === real) return path;
    } catch {
      // Not here.
    }
  }
  return real;
}

function ownLauncher(): string {
  return realpathSync(packageFile("bin/lifeguard"));
}

export function ownCommand(env: NodeJS.ProcessEnv): string {
  const launcher = ownLauncher();
  for (const directory of (env["PATH"] ?? "").split(delimiter)) {
    if (directory === "") continue;
    try {
      const found = realpathSync(join(directory, "lifeguard"));
      if (found === launcher) return "lifeguard";
      break;
    } catch {
      // Not here.
    }
  }
  const here = currentDirectory();
  if (here === null) return launcher;
  const path = relative(here, launcher);
  return path.startsWith("..") ? launcher : `./${path}`;
}
