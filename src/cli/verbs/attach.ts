import type { DetachKey } from "../../detach-key.js";
import { LifeguardError } from "../../errors.js";
import type { SessionSummary } from "../../rpc/client.js";
import type { Ending } from "../attach/attachment.js";
import { printable } from "../printable.js";
import { exitWords } from "../session-table.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";

interface Options {
  readOnly?: boolean;
  write?: boolean;
  take?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "attach",
    summary: "a session in this terminal; leave it with C-\\",
    details:
      "The session takes this terminal's size. Several may be attached, and all may type unless one holds the pen. The key to leave is attach.detach_key in the configuration.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" }],
    options: [
      { flags: "--read-only", description: "look on: type nothing, change no size" },
      { flags: "--write", description: "hold the pen while attached: nobody else types" },
      { flags: "--take", description: "take the pen from whoever holds it" },
    ],
    example: "lifeguard attach build",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, env, terminal, socketFlag, connect }: Invocation<Options>) {
    if (!terminal.stdin.isTTY || !terminal.stdout.isTTY)
      throw new UsageError("attach needs a terminal: to read a screen from a program, use lifeguard screen or lifeguard logs --follow");
    if (options.readOnly === true && (options.take === true || options.write === true))
      throw new UsageError("--read-only types nothing, so it cannot go with --take or --write");
    const [{ attach }, detachKey, client] = await Promise.all([
      import("../attach/attachment.js"),
      configuredDetachKey(env, socketFlag, (words) => terminal.stderr.write(words)),
      connect({ reconnect: true }),
    ]);
    const session = await client.call("session.get", { id });
    if (env["LIFEGUARD_SESSION"] === session.id)
      throw new UsageError(`this terminal is ${nameOf(session)} itself: attached to itself it would show itself without end`);
    if (session.state === "exited") {
      terminal.stderr.write(
        `lifeguard: ${nameOf(session)} has ended${session.exit === null ? "" : ` (${exitWords(session.exit)})`}: lifeguard screen ${session.id} shows its last screen, lifeguard restart ${session.id} starts it again\n`,
      );
      return EXIT.failed;
    }
    const ending = await attach(client, session, terminal, {
      readOnly: options.readOnly === true,
      write: options.write === true,
      take: options.take === true,
      detachKey,
    });
    if (ending.kind === "failed") throw ending.error;
    terminal.stdout.write(`${endingWords(session, ending)}\n`);
    return EXIT.done;
  },
};

/**
 * The key that leaves, from the configuration. One that cannot be read is no reason to stay out: the daemon runs with an older one.
 * The schema takes a while to load: only who attaches waits for it.
 * @param warn gets one line when the key is not the configured one
 */
export async function configuredDetachKey(
  env: NodeJS.ProcessEnv,
  socketFlag: string | undefined,
  warn: (line: string) => void,
): Promise<DetachKey> {
  const [{ loadConfig, resolvePaths }, { DETACH_KEY, parseDetachKey }] = await Promise.all([
    import("../../config.js"),
    import("../../detach-key.js"),
  ]);
  try {
    return parseDetachKey(loadConfig(resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag })).attach.detach_key);
  } catch (error) {
    if (!(error instanceof LifeguardError)) throw error;
    warn(`lifeguard: ${error.message}; until that is put right, ${DETACH_KEY} is the key to leave\n`);
    return parseDetachKey(DETACH_KEY);
  }
}

function nameOf(session: SessionSummary): string {
  return printable(session.name);
}

export function endingWords(session: SessionSummary, ending: Exclude<Ending, { kind: "failed" }>): string {
  switch (ending.kind) {
    case "detached":
      return `[detached from ${nameOf(session)}]`;
    case "ended":
      return `[${nameOf(session)} has ended: ${ending.exit === null ? "status unknown" : exitWords(ending.exit)}]`;
    case "removed":
      return `[${nameOf(session)} was removed]`;
  }
}
