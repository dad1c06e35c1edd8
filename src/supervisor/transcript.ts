/**
 * What the end of a coding agent's own transcript says: pure. Lines of JSON, the newest last; from the end backwards, until all that is
 * wanted has been found. What is not understood is passed over: the formats are the tools' own, and change.
 */

export interface TranscriptFacts {
  /** As the lines themselves say it; null where they do not. */
  conversation: string | null;
  cwd: string | null;
  /** Of the last request and its answer, not the running total. */
  tokens: number | null;
  contextLimit: number | null;
  model: string | null;
  skill: string | null;
}

type Line = Record<string, unknown>;

/** @param whole the text begins with the file's first line; else its first line is the rest of one */
export function parseTranscript(text: string, whole: boolean): TranscriptFacts {
  const facts: TranscriptFacts = { conversation: null, cwd: null, tokens: null, contextLimit: null, model: null, skill: null };
  const lines = text.split("\n");
  for (let at = lines.length - 1; at >= (whole ? 0 : 1); at--) {
    const line = parsed(lines[at] ?? "");
    if (line === null) continue;
    readClaude(line, facts);
    readCodex(line, facts);
    if (Object.values(facts).every((fact) => fact !== null)) break;
  }
  return facts;
}

/**
 * Claude Code: `{type, sessionId, cwd, isSidechain, message: {model, usage}}`. What a subagent uses is not the conversation's.
 */
function readClaude(line: Line, facts: TranscriptFacts): void {
  facts.conversation ??= text(line["sessionId"]);
  if (line["type"] !== undefined && line["sessionId"] !== undefined) facts.cwd ??= text(line["cwd"]);
  if (line["isSidechain"] === true) return;
  const message = map(line["message"]);
  if (message === null) return;
  if (line["type"] === "user") {
    const said = typeof message["content"] === "string" ? /<command-name>\s*(\/?[\w:.-]{1,100})/.exec(message["content"])?.[1] : undefined;
    facts.skill ??= said ?? null;
  }
  if (line["type"] !== "assistant") return;
  const model = text(message["model"]);
  // Said by the program itself, for example of an error: no model has answered.
  if (model === "<synthetic>") return;
  facts.model ??= model;
  const usage = map(message["usage"]);
  if (usage !== null && facts.tokens === null) {
    const parts = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"].map((name) => amount(usage[name]) ?? 0);
    const sum = parts.reduce((all, one) => all + one, 0);
    if (sum > 0) facts.tokens = sum;
  }
  for (const part of Array.isArray(message["content"]) ? message["content"].toReversed() : []) {
    const use = map(part);
    if (use?.["type"] !== "tool_use" || use["name"] !== "Skill") continue;
    const input = map(use["input"]);
    facts.skill ??= text(input?.["skill"]) ?? text(input?.["command"]);
  }
}

/** Codex: `{type, payload}`; `token_count` events, `turn_context` with model and directory, `session_meta` in the first line. */
function readCodex(line: Line, facts: TranscriptFacts): void {
  const payload = map(line["payload"]);
  if (payload === null) return;
  if (line["type"] === "event_msg" && payload["type"] === "token_count") {
    const info = map(payload["info"]);
    facts.tokens ??= amount(map(info?.["last_token_usage"])?.["total_tokens"]);
    facts.contextLimit ??= amount(info?.["model_context_window"]);
  } else if (line["type"] === "turn_context") {
    facts.model ??= text(payload["model"]);
    facts.cwd ??= text(payload["cwd"]);
  } else if (line["type"] === "session_meta") {
    facts.conversation ??= text(payload["id"]);
    facts.cwd ??= text(payload["cwd"]);
  }
}

function parsed(line: string): Line | null {
  if (!line.startsWith("{")) return null;
  try {
    return map(JSON.parse(line));
  } catch {
    return null;
  }
}

function map(value: unknown): Line | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Line) : null;
}

const MAX_TEXT = 4_096;

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.length <= MAX_TEXT ? value : null;
}

function amount(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
