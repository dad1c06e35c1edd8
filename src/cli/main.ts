/** What bin/lifeguard runs. */
import { run } from "./run.js";

// A reader that goes away early (`lifeguard logs x | head`) is the end of the work, not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
}

process.exitCode = await run(process.argv.slice(2), process.env, process);
