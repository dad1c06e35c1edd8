/** What bin/lifeguard runs. */
import { fileTrouble } from "../errors.js";
import { run } from "./run.js";

// A reader that goes away early (`lifeguard logs x | head`) is the end of the work, not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    if (stream === process.stdout) process.stderr.write(`lifeguard: cannot write: ${fileTrouble(error)}\n`);
    process.exit(1);
  });
}

process.exitCode = await run(process.argv.slice(2), process.env, process);
