import { rmSync } from "node:fs";
import { join } from "node:path";
import { ownCommand } from "../own-command.js";
import { serviceManager } from "../service/platforms.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  system?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "service uninstall",
    summary: "undo service install; the agents go on under their keeper",
    options: [{ flags: "--system", description: "the machine's rather than yours: needs root" }],
    example: "lifeguard service uninstall",
    startsDaemon: false,
  },
  async run({ options, env, terminal }: Invocation<Options>) {
    const manager = serviceManager(
      options.system === true ? "system" : "user",
      env,
      "no service is there to be undone; lifeguard daemon stop ends a daemon",
    );
    await manager.disable();
    for (const name of manager.names) {
      const path = join(manager.directory, name);
      rmSync(path, { force: true });
      terminal.stdout.write(`removed  ${path}\n`);
    }
    await manager.forgotten();
    terminal.stdout.write(
      `the service is gone; agents that run go on under their keeper. To see to them:  ${ownCommand(env)} daemon --background\n`,
    );
    return EXIT.done;
  },
};
