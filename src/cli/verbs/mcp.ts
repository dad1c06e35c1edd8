import type { Client } from "../../rpc/client.js";
import { connectTo, reconnected } from "../connect.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  readOnly?: boolean;
}

/** A daemon that is being replaced is expected back within this. */
const DAEMON_BACK_MS = 5_000;

export const verb: Verb<Options> = {
  record: {
    name: "mcp",
    summary: "serve the Model Context Protocol on stdin and stdout, for an agent",
    details:
      "An agent that has this as an MCP server can see, start, prompt, wait for and end sessions, with the daemon's refusals: what runs inside a session types into every other, and not into its own. docs/clients.md has the tools, and how to tell each agent.",
    options: [{ flags: "--read-only", description: "only the tools that change nothing" }],
    example: "claude mcp add lifeguard -- lifeguard mcp\nlifeguard mcp --read-only",
    startsDaemon: true,
  },
  async run({ options, env, terminal, connect, socketFlag }: Invocation<Options>) {
    const { serve } = await import("../mcp/server.js");
    const { packageVersion } = await import("../../package-files.js");
    const looking = connectTo({ env, socketFlag, mayStart: false });
    // One connection for all tools, made by the first that needs it: an agent that has this server and never uses it costs nothing.
    let client: Promise<Client> | null = null;
    const daemon = async (mayStart: boolean): Promise<Client> => {
      const connecting = (client ??= (mayStart ? connect : looking)({ reconnect: true }));
      const forget = (): void => {
        if (client === connecting) client = null;
      };
      const connected = await connecting.catch((error: unknown) => {
        forget();
        throw error;
      });
      if (await reconnected(connected, DAEMON_BACK_MS)) return connected;
      // It was stopped, and nobody has started another: as for any verb, who makes something has it started, who looks is told.
      forget();
      await connected.close();
      return await daemon(mayStart);
    };
    try {
      await serve({ terminal, env, version: packageVersion(), readOnly: options.readOnly === true, daemon });
    } finally {
      await looking.end();
    }
    return EXIT.done;
  },
};
