/** The command line in the process of the test: its words, exit code and both outputs, without what starting a process takes. */
import { PassThrough } from "node:stream";
import { run } from "../../src/cli/run.js";
import type { Terminal } from "../../src/cli/terminal.js";
import type { CommandResult } from "./daemon.js";

/** @param env where it looks for its daemon, with `LIFEGUARD_HOME` or `HOME` */
export async function runHere(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult & { code: number }> {
  const terminal = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await run(argv, env, terminal as unknown as Terminal);
  return { code, stdout: String(terminal.stdout.read() ?? ""), stderr: String(terminal.stderr.read() ?? "") };
}
