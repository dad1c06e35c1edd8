import { LifeguardError } from "../../errors.js";
import { SESSION_STATES } from "../../session.js";
import type { SessionState } from "../../session.js";
import { reconnected } from "../connect.js";
import { parseDuration } from "../duration.js";
import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseStates } from "../words.js";

interface Options {
  until: SessionState[];
  timeout?: number;
  json?: boolean;
}

/** A daemon that goes while we wait is expected back within this: an upgrade takes seconds. */
const DAEMON_BACK_MS = 30_000;

export const verb: Verb<Options> = {
  record: {
    name: "wait",
    summary: "wait until a session is in a state; prints the state",
    details: "Exit 0 when it is, 4 when the time is over, 1 when the session ends and exited is not among the states.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" }],
    options: [
      {
        flags: "--until <states>",
        description: `one or several, separated by commas: ${SESSION_STATES.join(", ")}`,
        required: true,
        completes: SESSION_STATES,
        parse: parseStates,
      },
      { flags: "--timeout <duration>", description: "as 30s or 10m; for ever when left out", parse: parseDuration },
      { flags: "--json", description: "with the evidence" },
    ],
    example: "lifeguard wait claude --until idle,attention --timeout 10m",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const client = await connect({ reconnect: true });
    const deadline = options.timeout === undefined ? undefined : performance.now() + options.timeout;
    for (;;) {
      const left = deadline === undefined ? {} : { timeout_ms: Math.max(0, Math.round(deadline - performance.now())) };
      try {
        const answer = await client.call("session.wait", { id, until: options.until, ...left });
        terminal.stdout.write(options.json === true ? jsonPage(answer) : `${answer.state}\n`);
        return EXIT.done;
      } catch (error) {
        if (!(error instanceof LifeguardError) || error.name !== "UNAVAILABLE") throw error;
        if (!(await reconnected(client, Math.min(left.timeout_ms ?? DAEMON_BACK_MS, DAEMON_BACK_MS)))) throw error;
      }
    }
  },
};
