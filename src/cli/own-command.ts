/** How the user would call us from here: `lifeguard` when that is on the PATH and is this one, else the path of the checkout's. */
import { realpathSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export function ownCommand(env: NodeJS.ProcessEnv): string {
  const launcher = realpathSync(fileURLToPath(new URL("../../bin/lifeguard", import.meta.url)));
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
  const path = relative(process.cwd(), launcher);
  return path.startsWith("..") ? launcher : `./${path}`;
}
