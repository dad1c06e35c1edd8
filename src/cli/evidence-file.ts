/**
 * `explain --record`: why a session's state is what it is, with what it has printed, in one file that `lifeguard profile test` replays: an
 * asciicast v2 whose header has the explanation under `lifeguard`. Masked, it has no word of the session but those that the shipped
 * profile of the tool looks for, and no name, path, command line, label or environment at all.
 */
import { loadProfiles, SHIPPED_PROFILES } from "../profiles/load.js";
import type { Profile } from "../profiles/profile.js";
import type { Client, Result } from "../rpc/client.js";
import { maskOutput, maskText } from "./mask.js";
import { shellWords } from "./printable.js";

/** One `session.read`. */
const READ_BYTES = 1_048_576;
/** Of the newest output, in characters: reports are sent by mail. */
const MOST_OUTPUT = 4 * 1_048_576;

/**
 * @param id as it was given
 * @returns the text of the file
 */
export async function evidenceFile(client: Client, id: string, masked: boolean, version: string): Promise<string> {
  const session = await client.call("session.get", { id });
  const explanation = await client.call("session.explain", { id: session.id });
  const daemon = await client.call("daemon.status", {});
  const { text, cut } = await heldOutput(client, session.id);
  const shipped = loadProfiles([SHIPPED_PROFILES]).set.profiles.find(({ name }) => name === explanation.tool?.name) ?? null;
  const words = wordsOf(shipped);
  const about = {
    versions: { lifeguard: version, daemon: daemon.version, node: process.version, platform: `${process.platform} ${process.arch}` },
    masked,
    // Its beginning is no longer held: the screen may show less than the session's.
    output_cut: cut,
    session: masked ? { id: session.id, state: session.state } : session,
    explanation: masked ? maskedExplanation(explanation, shipped) : explanation,
  };
  const header = {
    version: 2,
    width: session.cols,
    height: session.rows,
    timestamp: Math.floor(Date.now() / 1_000),
    ...(masked ? {} : { title: session.title || session.name, command: shellWords([session.command, ...session.args]) }),
    env: { TERM: "xterm-256color" },
    lifeguard: about,
  };
  const output = masked ? maskOutput(text, words) : text;
  return `${JSON.stringify(header)}\n${output === "" ? "" : `${JSON.stringify([0, "o", output])}\n`}`;
}

type Explanation = Result<"session.explain">;

async function heldOutput(client: Client, id: string): Promise<{ text: string; cut: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let cut = false;
  for (let since = 0; ;) {
    const { data, next, gap } = await client.call("session.read", { id, since, max: READ_BYTES });
    cut ||= gap > 0;
    if (data.length === 0) break;
    text += decoder.decode(data, { stream: true });
    since = next;
  }
  text += decoder.decode();
  if (text.length <= MOST_OUTPUT) return { text, cut };
  return { text: text.slice(-MOST_OUTPUT).replace(/^[\udc00-\udfff]/, ""), cut: true };
}

/** What everybody can read: the words that the rules of a shipped profile look for. A person's own profile may name what is theirs. */
function wordsOf(shipped: Profile | null): Set<string> {
  const patterns = (shipped?.rules ?? []).flatMap(({ title, all, any, none }) => [title ?? "", ...all, ...any, ...none]);
  return new Set(patterns.flatMap((pattern) => pattern.replace(/\\p\{\w+\}|\\./gu, " ").match(/\p{L}+/gu) ?? []));
}

/** Sources of which lifeguard itself names the rules. */
const OWN_SOURCES = new Set(["tool", "process", "notification", "osc133", "foreground", "prompt", "silence"]);

/** State, sources and numbers say nothing of the session; texts do, and so may the names that somebody gave to rules. */
function maskedExplanation(why: Explanation, shipped: Profile | null): unknown {
  const words = wordsOf(shipped);
  const mask = (text: string): string => maskText(text, words);
  const events = Object.keys(shipped?.events ?? {});
  const known = new Set([...(shipped?.rules ?? []).map(({ id }) => id), ...events, "no_rule_matched", "progress_under_way"]);
  const rule = (source: string, id: string): string => (OWN_SOURCES.has(source) || known.has(id) ? id : mask(id));
  const { evidence, tool, held, inputs, report } = why;
  return {
    state: why.state,
    since: why.since,
    evidence: evidence === null ? null : { ...evidence, rule: rule(evidence.source, evidence.rule), detail: mask(evidence.detail) },
    tool:
      tool === null
        ? null
        : {
            name: shipped?.name ?? mask(tool.name),
            title: shipped?.title ?? mask(tool.title),
            revision: tool.revision,
            verified: tool.verified,
            // More than one: somebody has changed it.
            files: tool.files.length,
          },
    held: held === null ? null : { ...held, rule: rule("", held.rule), text: mask(held.text) },
    report:
      report === null ? null : { ...report, source: mask(report.source), event: rule("report", report.event), text: mask(report.text) },
    candidates: why.candidates.map((one) => ({ ...one, rule: rule(one.source, one.rule), text: mask(one.text) })),
    inputs: {
      ...inputs,
      title: mask(inputs.title),
      foreground: inputs.foreground === null ? null : mask(inputs.foreground),
      cursor_line: mask(inputs.cursor_line),
    },
  };
}
