/**
 * A verb of the command line: a record that says all about it, and a function that does it. Help, parsing and completion come
 * from the record; `verbs.ts` is the table of them.
 */
import type { LifeguardError } from "../errors.js";
import type { Connect } from "./connect.js";
import type { Terminal } from "./terminal.js";

/** What completion offers for a word. */
export type Completes = "session" | "live-session" | "ended-session" | readonly string[];

export interface ArgumentRecord {
  /** As commander writes it: `<id>`, `[file]`, `<keys...>`. */
  name: string;
  description: string;
  completes?: Completes;
}

export interface OptionRecord {
  /** As commander writes it: `--name <name>`, `--all`. */
  flags: string;
  description: string;
  completes?: Completes;
  /** The verb cannot do without it. */
  required?: boolean;
  /** For our own use: not in the help. */
  hidden?: boolean;
  /** Turns the word into the value; `previous` is what earlier uses of the option gave. @throws UsageError */
  parse?: (word: string, previous: unknown) => unknown;
}

export interface VerbRecord {
  /** The words on the command line: `ls`, `daemon stop`. */
  name: string;
  /** One line, for the list of verbs. */
  summary: string;
  /** More than a line, where a line is not enough. */
  details?: string;
  arguments?: readonly ArgumentRecord[];
  options?: readonly OptionRecord[];
  /** Words as people know them from elsewhere, turned into ours before they are parsed: `-9` into `--signal 9`. */
  rewrite?: (words: readonly string[]) => string[];
  /** What a person would type, one a line. */
  example: string;
  /** Makes or changes sessions: starts a daemon when none runs. */
  startsDaemon: boolean;
}

/** One call of a verb. */
export interface Invocation<Options> {
  /** The positional words, those of a variadic argument at the end. */
  words: string[];
  options: Options;
  env: NodeJS.ProcessEnv;
  terminal: Terminal;
  /** Finds the daemon, or starts one where the verb may. */
  connect: Connect;
  /** `--socket`, as given. */
  socketFlag: string | undefined;
}

export interface Verb<Options> {
  readonly record: VerbRecord;
  /** @returns the exit code */
  // A method rather than a property: the table holds verbs of many option types.
  run(invocation: Invocation<Options>): Promise<number>;
}

/** Exit codes of the contract (docs/protocol.md section 2). */
export const EXIT = { done: 0, failed: 1, usage: 2, noSuchSession: 3, timeout: 4, unreachable: 5 } as const;

/** The words on the command line are wrong: exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** No daemon, or not one that can be talked to: exit 5. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** No daemon at all: nobody answers, and nobody holds the lock. */
export class NoDaemonError extends UnreachableError {
  readonly socket: string;

  /** @param todo what to do about it, after the colon */
  constructor(socket: string, todo: string) {
    super(`no daemon answers at ${socket}${todo}`);
    this.socket = socket;
  }
}

/** What an error of the daemon means for the exit code. */
export function exitCodeOf(error: Pick<LifeguardError, "name">): number {
  switch (error.name) {
    case "NOT_FOUND":
      return EXIT.noSuchSession;
    case "TIMEOUT":
      return EXIT.timeout;
    case "INVALID_PARAMS":
      return EXIT.usage;
    case "UNAVAILABLE":
      return EXIT.unreachable;
    case "ALREADY_EXISTS":
    case "BUSY":
    case "EXITED":
    case "BLOCKED":
    case "NOT_WRITER":
    case "LIMIT":
    case "UNSUPPORTED":
    case "DAMAGED":
    case "STORE_FULL":
    case "SPAWN_FAILED":
    case "INTERNAL":
    case "UNKNOWN_METHOD":
    case "FORBIDDEN":
    case "PROTOCOL":
      return EXIT.failed;
  }
}
