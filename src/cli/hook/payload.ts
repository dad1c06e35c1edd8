/**
 * What a coding agent tells its hooks, as one session.report. Pure. Nothing of what a person or a model wrote goes on: of a prompt only
 * the slash command it begins with, of a tool call only the tool's name.
 *
 * Fields read, as Claude Code 2.1.197 and Codex 0.169.0 send them (test/fixtures/hooks has whole payloads, docs/hooks.md the list):
 * hook_event_name, session_id, transcript_path, cwd, model, tool_name, agent_id and the few words in `detailOf`; of Codex's `notify`
 * type, thread-id, cwd.
 */

/** Parameters of session.report, less `id`. */
export interface HookReport {
  source: string;
  event: string;
  tool: string;
  /** Milliseconds since 1970. */
  at: number;
  /** One short word: the agent's tool, why the event came. */
  detail?: string;
  conversation_id?: string;
  transcript?: string;
  cwd?: string;
  model?: string;
  skill?: string;
}

export const HOOK_TOOLS = ["claude", "codex"] as const;
export type HookTool = (typeof HOOK_TOOLS)[number];

/** How a payload came: on stdin, or as the last word of the command line (Codex's `notify`). */
export type Delivery = "stdin" | "argument";

const EVENT = /^[\w.-]{1,64}$/;
const WORD = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,128}$/u;
/** It may become an argument of the tool's resume command. */
const CONVERSATION = /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$/;
const PATH = /^\/[^\0]{0,4095}$/;
/** `/review`, `/plugin:command`; not `/usr/bin`. Codex names skills with `$`, custom prompts with `/prompts:`. */
const SKILL = /^[/$]([A-Za-z][\w.:-]{0,63})(?=\s|$)/;

/**
 * @param text the payload; where it is cut off, the plain fields before the cut count
 * @returns null when it is no payload
 */
export function reportOf(tool: HookTool, delivery: Delivery, text: string, at: number): HookReport | null {
  const payload = fieldsOf(text);
  const event = matching(payload["hook_event_name"] ?? payload["type"], EVENT);
  if (event === undefined) return null;
  const report: HookReport = { source: `${tool}-${delivery === "stdin" ? "hook" : "notify"}`, event, tool, at };
  // What a subagent says of itself (its own transcript, its own model) is not the session's.
  const ofSubagent = payload["agent_id"] !== undefined && payload["agent_id"] !== null;
  const fields = {
    detail: matching(detailOf(event, payload), WORD),
    conversation_id: ofSubagent ? undefined : matching(payload["session_id"] ?? payload["thread-id"], CONVERSATION),
    transcript: ofSubagent ? undefined : matching(payload["transcript_path"], PATH),
    cwd: matching(payload["cwd"], PATH),
    model: ofSubagent ? undefined : matching(payload["model"], WORD),
    skill: skillOf(event, payload),
  };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) Object.assign(report, { [name]: value });
  return report;
}

function detailOf(event: string, payload: Readonly<Record<string, unknown>>): unknown {
  switch (event) {
    case "SessionStart":
      return payload["source"];
    case "SessionEnd":
      return payload["reason"];
    case "Notification":
      return payload["notification_type"];
    case "StopFailure":
      return payload["error"];
    case "SubagentStart":
    case "SubagentStop":
      return payload["agent_type"];
    case "PreCompact":
    case "PostCompact":
      return payload["trigger"];
    default:
      return payload["tool_name"];
  }
}

function skillOf(event: string, payload: Readonly<Record<string, unknown>>): string | undefined {
  if (event === "UserPromptSubmit" && typeof payload["prompt"] === "string") return SKILL.exec(payload["prompt"].trimStart())?.[1];
  const input = payload["tool_input"];
  // Claude runs a skill of its own accord by a tool of that name.
  if (event !== "PreToolUse" || payload["tool_name"] !== "Skill" || typeof input !== "object" || input === null) return undefined;
  const { skill } = input as { skill?: unknown };
  return typeof skill === "string" ? SKILL.exec(`/${skill}`)?.[1] : undefined;
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === "string" && pattern.test(value) ? value : undefined;
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return leadingFields(text);
  }
}

/** The members with plain values at the beginning of an object whose end is missing: a tool's answer may be longer than we read. */
function leadingFields(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const member = /\s*("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*"|-?[\d.eE+-]+|true|false|null|\{[^{}"]*(?:"[^"\\]*"[^{}"]*)*\})\s*,/y;
  member.lastIndex = /^\s*\{/.exec(text)?.[0].length ?? text.length;
  for (let found = member.exec(text); found !== null; found = member.exec(text)) {
    try {
      fields[JSON.parse(found[1] ?? "") as string] = JSON.parse(found[2] ?? "");
    } catch {
      break;
    }
  }
  return fields;
}
