import { LifeguardError } from "../../errors.js";
import type { Client } from "../../rpc/client.js";
import { Asciicast } from "../asciicast.js";
import { shellWords } from "../printable.js";
import { writePaced } from "../terminal.js";
import type { Terminal } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseCount } from "../words.js";

interface Options {
  follow?: boolean;
  since?: number;
  cast?: boolean;
}

/** One `session.read`. */
const READ_BYTES = 1_048_576;
/** Most bytes under way to us: what our reader is slower than waits in the spool. */
const WINDOW_BYTES = 262_144;

/** Where the output goes: as it is, or as a recording. Times are seconds since the beginning of the recording. */
interface Sink {
  output(data: Uint8Array, seconds: number): Promise<void>;
  resized(size: { cols: number; rows: number }, seconds: number): Promise<void>;
  end(): Promise<void>;
}

export const verb: Verb<Options> = {
  record: {
    name: "logs",
    summary: "a session's raw output, as far as it is held",
    details:
      "Bytes that are no longer held are named on stderr. With --follow it goes on until the session ends, across restarts of the daemon.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "session" }],
    options: [
      { flags: "--follow", description: "go on with what comes" },
      {
        flags: "--since <offset>",
        description: "from this byte of its output on; show and screen --json tell offsets",
        parse: (word) => parseCount(word),
      },
      { flags: "--cast", description: "as an asciicast v2; what was held already is at second 0" },
    ],
    example: "lifeguard logs build --follow --cast > build.cast",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const client = await connect({ reconnect: options.follow === true });
    const sink = options.cast === true ? await castSink(client, id, terminal) : rawSink(terminal);
    const missing = (from: number, to: number): void =>
      void terminal.stderr.write(`lifeguard: ${to - from} bytes (${from} to ${to}) are no longer held\n`);
    const since = options.since ?? 0;
    if (options.since !== undefined) {
      const { offset } = await client.call("session.get", { id });
      if (since > offset) terminal.stderr.write(`lifeguard: its output ends at byte ${offset}, and ${since} lies beyond\n`);
    }
    if (options.follow !== true) await readAllHeld(client, id, since, sink, missing, options.since !== undefined);
    else await follow(client, id, since, sink, missing, options.since !== undefined);
    await sink.end();
    return EXIT.done;
  },
};

/** @param strict false: the user asked for all there is, and does not miss what is gone */
async function readAllHeld(
  client: Client,
  id: string,
  since: number,
  sink: Sink,
  missing: (from: number, to: number) => void,
  strict: boolean,
): Promise<number> {
  let at = since;
  for (;;) {
    const answer = await client.call("session.read", { id, since: at, max: READ_BYTES });
    if (answer.gap > 0 && (strict || at !== since)) missing(answer.offset - answer.gap, answer.offset);
    if (answer.data.length === 0) return answer.next;
    await sink.output(answer.data, 0);
    at = answer.next;
  }
}

async function follow(
  client: Client,
  id: string,
  since: number,
  sink: Sink,
  missing: (from: number, to: number) => void,
  strict: boolean,
): Promise<void> {
  // The moment from which times count: what was printed before it is at second 0.
  const begun = performance.now();
  let end = (): void => undefined;
  let fail = (_error: Error): void => undefined;
  const closed = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  try {
    // One after another, also when the reader of our output is slow.
    let written = Promise.resolve();
    const watch = await client.watch(
      id,
      { since, window: WINDOW_BYTES },
      {
        output: (data, { ageMs }) => (written = written.then(() => sink.output(data, (performance.now() - begun - ageMs) / 1_000))),
        gap: missing,
        resized: (size) => void (written = written.then(() => sink.resized(size, (performance.now() - begun) / 1_000))),
        closed: (reason) => {
          if (reason === "lost") fail(new LifeguardError("UNAVAILABLE", "the connection to the daemon was lost"));
          else end();
        },
      },
    );
    if (watch.gap > 0 && strict) missing(watch.offset - watch.gap, watch.offset);
    await closed;
    await written;
    // Whatever was drained after the watch was told of the end.
    await readAllHeld(client, id, watch.position, sink, missing, true).catch((error: unknown) => {
      if (!(error instanceof LifeguardError) || error.name !== "NOT_FOUND") throw error;
    });
  } catch (error) {
    if (!(error instanceof LifeguardError) || error.name !== "EXITED") throw error;
    await readAllHeld(client, id, since, sink, missing, strict);
  }
}

function rawSink(terminal: Terminal): Sink {
  return {
    output: (data) => writePaced(terminal.stdout, data),
    resized: () => Promise.resolve(),
    end: () => Promise.resolve(),
  };
}

async function castSink(client: Client, id: string, terminal: Terminal): Promise<Sink> {
  const session = await client.call("session.get", { id });
  const cast = new Asciicast();
  const write = async (line: string): Promise<void> => {
    if (line !== "") await writePaced(terminal.stdout, line);
  };
  await write(
    cast.header(session, { title: session.title || session.name, command: shellWords([session.command, ...session.args]), at: Date.now() }),
  );
  return {
    output: (data, seconds) => write(cast.output(Math.max(0, seconds), data)),
    resized: (size, seconds) => write(cast.resized(Math.max(0, seconds), size)),
    end: () => write(cast.end()),
  };
}
