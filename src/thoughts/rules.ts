/**
 * What a session is doing, from its title, its state and the last line in which its agent said what it does. No model, nothing kept:
 * (what is seen) → a thought. It never says more than it was told: where there is nothing to say, it says nothing.
 */
import { hash } from "node:crypto";
import { basename } from "node:path";
import { oneLine } from "./one-line.js";
import type { SessionView, Update } from "./world.js";

/** Nothing new, and it rests: the last real thought stays, as a static one. */
export const RESTS = "rests";

export type Judgement = Update | typeof RESTS | null;

/**
 * Lines in which agents announce a tool call, as they stand on the screen. Each needs the tool's own mark and a word that names a
 * tool or an act: prose begins with the same marks.
 */
const TOOL_LINES: readonly RegExp[] = [
  // Claude Code: `● Bash(npm test)`
  /^\s*[⏺●]\s+([A-Z][A-Za-z]+\(.*)$/u,
  // Codex: `• Ran npm test`
  /^\s*•\s+((?:Ran|Running|Edited|Added|Deleted|Explored|Exploring|Searched|Searching|Called|Calling|Viewed)\b.*)$/u,
  // OpenCode: `→ Read src/main.ts`, `$ npm test`
  /^\s*[→←✱%]\s+((?:Read|Edit|Write|Patch|Glob|Grep|List|Bash|Task|WebFetch)\b.*)$/u,
];

export function think(view: SessionView, tail: string): Judgement {
  const about = subject(view);
  const doing = view.tool === null ? null : toolLine(tail);
  switch (view.state) {
    case "starting":
      return null;
    case "busy":
      return say(view, [about, doing].filter((part) => part !== null).join(": "), "active");
    case "attention":
      return say(view, waits(view, doing ?? about), "holding", ["answer"]);
    case "error":
      return say(view, about === null ? "" : `failed: ${about}`, "holding");
    case "idle":
      // What a shell ran last is over; what an agent works on is its title still.
      return view.tool === null || about === null ? RESTS : say(view, about, "holding");
    case "exited":
      return RESTS;
  }
}

function waits(view: SessionView, what: string | null): string {
  if (what !== null) return `waits for you: ${what}`;
  return view.tool === null ? "" : "waits for you";
}

function say(view: SessionView, words: string, state: "active" | "holding", cues: string[] = []): Update | null {
  const text = oneLine(words);
  if (text === "") return null;
  const objective = subject(view);
  return {
    text,
    state,
    source: "rule",
    rest_state: view.rest,
    action_cues: cues,
    ...(objective === null ? {} : { objective_fingerprint: fingerprint(objective) }),
    ...(view.tokenCount === null ? {} : { token_count: view.tokenCount }),
    ...(view.contextLimit === null ? {} : { context_limit: view.contextLimit }),
  };
}

/** What it is about: the title where it says something, else the program in front. */
export function subject(view: SessionView): string | null {
  return titleWords(view) ?? (view.command === null ? null : oneLine(view.command) || null);
}

/** A title without the agent's spinner; null when it only says who or where. */
function titleWords({ title, tool, cwd, name }: SessionView): string | null {
  const words = oneLine(title.replace(/^[^\p{L}\p{N}/~$"'([<@]+/u, ""));
  if (words === "" || /^[\w.-]+@[\w.-]+:|^[~/]/u.test(words)) return null;
  const lower = words.toLowerCase();
  const idle = [tool, name, basename(cwd), "bash", "zsh", "fish", "sh", "claude code", "codex", "opencode"];
  if (idle.some((one) => one !== null && one.toLowerCase() === lower)) return null;
  return words;
}

function toolLine(tail: string): string | null {
  for (const line of tail.split("\n").toReversed())
    for (const pattern of TOOL_LINES) {
      const match = pattern.exec(line)?.[1];
      if (match !== undefined) return oneLine(match);
    }
  return null;
}

/** The same for the same task: counters in a title are no new one. */
function fingerprint(objective: string): string {
  return hash("sha256", objective.toLowerCase().replaceAll(/\d+/g, "#"), "hex").slice(0, 16);
}
