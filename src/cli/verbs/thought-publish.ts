import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseChoice, parseCount } from "../words.js";

const STATES = ["active", "holding", "sleeping"] as const;
const SOURCES = ["llm", "carry_forward", "static_sleeping", "rule"] as const;
const RESTS = ["active", "drowsy", "sleeping", "deep_sleep"] as const;

interface Options {
  state?: (typeof STATES)[number];
  source?: (typeof SOURCES)[number];
  rest?: (typeof RESTS)[number];
  cue?: string[];
  commit?: boolean;
  objective?: string;
  stream?: string;
  seq?: number;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "thought publish",
    summary: "say what a session is doing",
    details:
      "One line, present tense, at most 120 characters. The rules leave it alone for 10 minutes. Exit 1 when a newer one is known already.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "session" },
      { name: "<text>", description: "what it is doing; after -- when it begins with -" },
    ],
    options: [
      { flags: "--state <state>", description: STATES.join(", "), completes: STATES, parse: (word) => parseChoice(word, STATES) },
      {
        flags: "--source <source>",
        description: `${SOURCES.join(", ")}; rule when left out`,
        completes: SOURCES,
        parse: (word) => parseChoice(word, SOURCES),
      },
      { flags: "--rest <rest>", description: RESTS.join(", "), completes: RESTS, parse: (word) => parseChoice(word, RESTS) },
      {
        flags: "--cue <text>",
        description: "what somebody could do about it; may be repeated",
        parse: (word, previous) => [...((previous as string[] | undefined) ?? []), word],
      },
      { flags: "--commit", description: "there is something worth a commit" },
      { flags: "--objective <fingerprint>", description: "which task it is: another one begins a new objective" },
      { flags: "--stream <name>", description: "of the one who says so, with --seq: an older one is not taken" },
      { flags: "--seq <number>", description: "grows within the stream", parse: (word) => parseCount(word) },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard thought publish build 'waits for the database' --state holding --cue 'start postgres'",
    startsDaemon: false,
  },
  async run({ words: [id = "", text = ""], options, terminal, connect }: Invocation<Options>) {
    const { state, source, rest, cue, commit, objective, stream, seq } = options;
    if ((stream === undefined) !== (seq === undefined)) throw new UsageError("--stream and --seq come together");
    const answer = await (
      await connect()
    ).call("thought.publish", {
      id,
      text,
      ...(state === undefined ? {} : { state }),
      ...(source === undefined ? {} : { source }),
      ...(rest === undefined ? {} : { rest_state: rest }),
      ...(cue === undefined ? {} : { action_cues: cue }),
      ...(commit === undefined ? {} : { commit_candidate: commit }),
      ...(objective === undefined ? {} : { objective_fingerprint: objective }),
      ...(stream === undefined || seq === undefined ? {} : { watermark: { stream_instance_id: stream, emission_seq: seq } }),
    });
    if (options.json === true) terminal.stdout.write(jsonPage(answer));
    else if (!answer.accepted) terminal.stderr.write(`lifeguard: not taken: ${printable(answer.reason ?? "a newer one is known")}\n`);
    return answer.accepted ? EXIT.done : EXIT.failed;
  },
};
