import { resolve } from "node:path";
import type { Isolation, RestartPolicy, SessionLimits, TerminalSize } from "../../session.js";
import { callerEnvironment } from "../caller-environment.js";
import { jsonPage } from "../json.js";
import { terminalSize } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseChoice, parseLimit, parsePair, parseSize } from "../words.js";

const POLICIES = ["never", "on-failure", "always"] as const;
const BACKENDS = ["pty", "tmux"] as const;
const ISOLATIONS = ["shared", "thread"] as const;

interface Options {
  tool?: string;
  prompt?: string;
  name?: string;
  cwd?: string;
  env?: Record<string, string>;
  size?: TerminalSize;
  restart?: RestartPolicy;
  isolation?: Isolation;
  backend?: (typeof BACKENDS)[number];
  label?: Record<string, string>;
  limit?: SessionLimits;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "new",
    summary: "start a session; prints its id",
    details:
      "Without a command it is the tool's, or your shell. The session gets your environment and, unless --cwd says otherwise, the directory you are in.",
    arguments: [{ name: "[command...]", description: "the command and its words, after --" }],
    options: [
      {
        flags: "--tool <tool>",
        description: "a coding agent by the name of its profile (profile list): its command is started; words after -- replace it",
      },
      { flags: "--prompt <text>", description: "what it is to begin with: typed when it is ready (events and show say what became of it)" },
      { flags: "--name <name>", description: "a name of its own: letters, digits, '.', '_', '-'" },
      { flags: "--cwd <directory>", description: "where it starts" },
      { flags: "--env <name=value>", description: "one more variable of its environment; may be repeated", parse: parsePair },
      { flags: "--size <columns x rows>", description: "as 120x40; else this terminal's size", parse: parseSize },
      {
        flags: "--restart <policy>",
        description: `when its process has ended: ${POLICIES.join(", ")}`,
        completes: POLICIES,
        parse: (word) => parseChoice(word, POLICIES),
      },
      {
        flags: "--isolation <kind>",
        description: "shared, or thread: an actor thread of its own",
        completes: ISOLATIONS,
        parse: (word) => parseChoice(word, ISOLATIONS),
      },
      {
        flags: "--backend <kind>",
        description: "pty, or tmux: in a tmux session of the same name, where tmux attach finds it",
        completes: BACKENDS,
        parse: (word) => parseChoice(word, BACKENDS),
      },
      {
        flags: "--limit <name=value>",
        description: "memory_max (bytes, or with K, M, G), cpu_weight (1 to 10000) or tasks_max, held by systemd; may be repeated",
        parse: parseLimit,
      },
      { flags: "--label <name=value>", description: "a label, for ls --label; may be repeated", parse: parsePair },
      { flags: "--json", description: "print everything known about it" },
    ],
    example: "lifeguard new --name build -- sh -c 'make && make test'",
    startsDaemon: true,
  },
  async run({ words, options, env, terminal, connect }: Invocation<Options>) {
    const [command, ...args] = words;
    if (options.cwd === "") throw new UsageError("--cwd is empty: name a directory, or leave it out for the one you are in");
    const cwd = resolve(options.cwd ?? ".");
    const size = options.size ?? terminalSize(terminal);
    const client = await connect();
    const session = await client.call("session.create", {
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.tool === undefined ? {} : { tool: options.tool }),
      ...(options.prompt === undefined ? {} : { prompt: options.prompt }),
      ...(command === undefined ? {} : { command, args }),
      cwd,
      env: callerEnvironment(env, options.env),
      env_base: "none",
      ...size,
      ...(options.restart === undefined ? {} : { restart: options.restart }),
      ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
      ...(options.backend === undefined ? {} : { backend: options.backend }),
      ...(options.limit === undefined ? {} : { limits: options.limit }),
      ...(options.label === undefined ? {} : { labels: options.label }),
    });
    terminal.stdout.write(options.json === true ? jsonPage(session) : `${session.id}\n`);
    return EXIT.done;
  },
};
