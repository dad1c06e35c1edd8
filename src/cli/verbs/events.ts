import type { Cursor } from "../../rpc/client.js";
import { NoticeReader } from "../../notices.js";
import { jsonLine } from "../json.js";
import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseCursor, parseList } from "../words.js";

interface Options {
  since?: Cursor;
  kinds?: string[];
  session?: string;
  bell?: boolean;
}

/** What took less than this has not "finished": whoever asked for it still looks. The default of the daemon's notify.finished_after_ms. */
const FINISHED_AFTER_MS = 10_000;

export const verb: Verb<Options> = {
  record: {
    name: "events",
    summary: "what happens, one JSON line an event, until you stop it",
    details: "It goes on across restarts of the daemon. A line of kind events.gap says that some were missed: list again.",
    options: [
      { flags: "--since <boot:seq>", description: "also those after this one, as far as they are kept", parse: parseCursor },
      { flags: "--kinds <kinds>", description: "only these, separated by commas: session.state,session.exited", parse: parseList },
      { flags: "--session <id>", description: "only this session's", completes: "session" },
      { flags: "--bell", description: "ring the terminal's bell when a session waits for you, has failed, or has finished after a while" },
      { flags: "--json", description: "changes nothing: each line is JSON anyway" },
    ],
    example: "lifeguard events --kinds session.state,session.exited",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<Options>) {
    const client = await connect({ reconnect: true });
    const { since, kinds, session } = options;
    if (kinds !== undefined) refuseUnknown(kinds, Object.keys((await client.call("daemon.schema", {})).events));
    const notices = new NoticeReader(FINISHED_AFTER_MS, () => null);
    const events = client.events({
      ...(since === undefined ? {} : { since }),
      ...(kinds === undefined ? {} : { kinds }),
      ...(session === undefined ? {} : { session }),
    });
    await events.ready;
    for await (const event of events) {
      await writePaced(terminal.stdout, jsonLine(event));
      // stdout is for whoever reads the lines.
      if (options.bell === true && "at" in event && notices.read(event) !== null) terminal.stderr.write("\u0007");
    }
    return EXIT.done;
  },
};

/** Nothing would ever come of a kind that there is not. */
function refuseUnknown(kinds: readonly string[], known: readonly string[]): void {
  const unknown = kinds.find((kind) => !known.includes(kind));
  if (unknown !== undefined) throw new UsageError(`${JSON.stringify(unknown)} is no kind of event; there are ${known.join(", ")}`);
}
