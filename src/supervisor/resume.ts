/**
 * How a session of a tool is started again: in its conversation, where that is known, by the tool's own resume command; else as it was
 * made. Pure, but for the question whether a directory is there.
 */
import { basename } from "node:path";
import type { Profile } from "../profiles/profile.js";
import type { SessionExit, SessionSpec } from "../session.js";

export type ResumePlan =
  /** `args` instead of the specification's. */
  | { how: "resume"; conversation: string; args: string[] }
  /** As it was made; `why` is for the log. */
  | { how: "fresh"; why: string };

/** A tool that refuses a conversation ends before that. On a busy machine it takes its time to read what it refuses. */
const REFUSED_MS = 20_000;
const PLACEHOLDER = "{conversation}";
/** A verb of the tool's command line, and no sentence. */
const SUBCOMMAND = /^[a-z][a-z-]*$/;

/**
 * @param taken whether another session that lives is in this conversation: two processes on one would spoil it
 * @param exists whether a directory is there
 */
export function planResume(
  session: { spec: Pick<SessionSpec, "command" | "args" | "cwd" | "tool">; conversationId: string | null },
  profile: Profile | undefined,
  taken: (conversation: string) => boolean,
  exists: (directory: string) => boolean,
): ResumePlan {
  const { spec, conversationId: conversation } = session;
  const fresh = (why: string): ResumePlan => ({ how: "fresh", why });
  if (conversation === null) return fresh("its conversation is not known");
  if (spec.tool === null || profile === undefined) return fresh("no profile says how its tool goes on with a conversation");
  const [, ...words] = profile.resume;
  if (!words.some((word) => word.includes(PLACEHOLDER))) return fresh(`the profile ${profile.name} has no resume command`);
  const programs = [profile.command[0], ...profile.processes].flatMap((program) => (program === undefined ? [] : [basename(program)]));
  if (!programs.includes(basename(spec.command))) return fresh(`it was made with a command of its own, ${spec.command}`);
  const own = ownOptions(spec.args, profile);
  if (typeof own === "string") return fresh(`it was made with ${own}, which is no conversation with a person`);
  if (!exists(spec.cwd)) return fresh(`its directory ${spec.cwd} is not there`);
  if (taken(conversation)) return fresh(`another session is in conversation ${conversation}`);
  return { how: "resume", conversation, args: [...words.map((word) => word.replaceAll(PLACEHOLDER, conversation)), ...own] };
}

/**
 * Whether a process that was to go on with a conversation has ended because it may not: it is then started as it was made, once.
 * `session.resumed` is null when it was not to, and from the moment it says that it is in that conversation.
 */
export function resumeRefused(session: { resumed: string | null; startedAt: number | null }, exit: SessionExit): boolean {
  const { resumed, startedAt } = session;
  if (resumed === null || startedAt === null || exit.code === null || exit.code === 0) return false;
  return exit.reason === "process_exit" && exit.at - startedAt < REFUSED_MS;
}

/**
 * Of what the session was made with, what counts for the next start too: its options. A prompt was for the first one, and is never said
 * again; an earlier wish for a conversation is over.
 * @returns the word which says that this was no conversation
 */
function ownOptions(args: readonly string[], { command, resumeOptions }: Profile): string[] | string {
  const { none, one, drop, never } = resumeOptions;
  const fixed = command.slice(1);
  const given = fixed.every((word, at) => args[at] === word) ? args.slice(fixed.length) : [...args];
  const [verb = ""] = given;
  if (SUBCOMMAND.test(verb) && !drop.includes(verb)) return verb;
  const own: string[] = [];
  // How many words without a dash belong to the option before them.
  let values = 0;
  let keep = false;
  for (const [at, word] of given.entries()) {
    // What follows is the prompt, whatever it looks like.
    if (word === "--") break;
    const name = word.split("=", 1)[0] ?? word;
    if (never.includes(name)) return word;
    if (word.startsWith("-") || (at === 0 && drop.includes(word))) {
      keep = !drop.includes(name);
      values = word.includes("=") || none.includes(name) ? 0 : one.includes(name) || !keep ? 1 : Number.POSITIVE_INFINITY;
      if (keep) own.push(word);
    } else if (values > 0) {
      values -= 1;
      if (keep) own.push(word);
    }
  }
  return own;
}
