/** What a prompt's delivery sees (prompt-delivery.ts), made of what the terminal shows and what the observer knows. */
import type { PromptWays } from "../profiles/profile.js";
import type { Confidence, Evidence, SessionState } from "../session.js";
import { FINISHED_UNSEEN } from "./detector.js";
import type { Foreground } from "./foreground.js";
import { looksLikePrompt } from "./prompt-line.js";
import type { Shown } from "./screen-regions.js";
import type { ShellPhase } from "./shell-integration.js";
import type { Terminal } from "./terminal/terminal.js";
import type { ToolRules, Verdict } from "./tool-rules.js";

/** What a delivery sees at one moment. */
export interface DeliveryLook {
  /** As said to the world, after holds. */
  state: SessionState;
  rule: string;
  source: string;
  confidence: Confidence;
  /** What the tool's rules say of this very screen; null: no rule matches, or no tool is known. */
  verdict: { state: SessionState; rule: string; text: string } | null;
  /** The tool in front, and how prompts get into it; null: none is known. */
  tool: { title: string; ways: PromptWays; saysIdle: boolean; hasBox: boolean } | null;
  /** The prompt box without hints. `typed`: what is in it besides its marks. Null: it is not on the screen. */
  box: { text: string; typed: string } | null;
  /** The rows up to the cursor, and the cursor's own. */
  upToCursor: string;
  /** Every row. */
  screen: string;
  cursorLine: string;
  cols: number;
  rows: number;
  bracketed: boolean;
  /** The program is given whole lines, which the kernel echoes. */
  lines: boolean;
  alternate: boolean;
  /** Milliseconds since the newest output. */
  quietMs: number;
  /** Newest shell mark. */
  shell: { phase: string; at: number; endedAt: number | null } | null;
  /** The session's own process is a shell; and it is in front. */
  isShell: boolean;
  shellInFront: boolean;
  /** Somebody has typed since the last Enter, or may have: nobody knows what was typed before a daemon was replaced. */
  halfTyped: boolean;
}

/** Rows above the cursor in which the end of a text is looked for. */
const ROWS = 60;
/** What marks the beginning of the input in a box, behind its border. */
const MARK = /^[\s│┃║▌╹]*[❯›>!#$%→]?\s*/u;
const BORDER = /[\s│┃║▐╹▀]*$/u;

export interface Glance {
  /** As said to the world. */
  state: SessionState;
  evidence: Evidence | null;
  rules: ToolRules | null;
  shown: Shown | null;
  verdict: Verdict | null;
  shell: ShellPhase | null;
  foreground: Foreground | null;
  leaderIsShell: boolean;
  lastOutputAt: number;
}

/** @param known what else the typing side knows: whether somebody has typed since the last Enter, whether the program is given lines */
export function lookAtPrompt(glance: Glance, terminal: Terminal, now: number, known: { halfTyped: boolean; lines: boolean }): DeliveryLook {
  const { state, evidence, rules, verdict, shell, foreground, leaderIsShell } = glance;
  const { cols, rows } = terminal.size;
  const { x, y } = terminal.cursor;
  const cursorLine = terminal.row(y, x);
  const above = Array.from({ length: Math.min(ROWS, y) }, (_, index) => terminal.row(Math.max(0, y - ROWS) + index));
  return {
    state,
    rule: evidence?.rule ?? "",
    source: evidence?.source ?? "",
    confidence: evidence?.confidence ?? "low",
    verdict: verdict === null ? null : { state: verdict.state, rule: verdict.rule, text: verdict.text },
    tool: rules === null || rules.empty ? null : toolOf(rules),
    box: rules === null ? null : boxOf(glance, rules, terminal),
    // Rows are joined without anything between: a wrapped word is one word.
    upToCursor: [...above, cursorLine].join(""),
    cursorLine,
    cols,
    rows,
    screen: Array.from({ length: rows }, (_, row) => terminal.row(row)).join(""),
    bracketed: terminal.bracketedPaste,
    lines: known.lines,
    alternate: terminal.alternate,
    quietMs: Math.max(0, now - glance.lastOutputAt),
    shell: shell === null ? null : { phase: shell.phase, at: shell.at, endedAt: shell.endedAt },
    isShell: leaderIsShell,
    shellInFront: foreground === null || foreground.isLeader,
    halfTyped: known.halfTyped,
  };
}

function toolOf(rules: ToolRules): DeliveryLook["tool"] {
  const { profile } = rules;
  return {
    title: profile.title,
    ways: profile.prompt,
    saysIdle: profile.rules.some((rule) => rule.state === "idle"),
    hasBox: profile.box !== null,
  };
}

function boxOf({ shown }: Glance, rules: ToolRules, terminal: Terminal): DeliveryLook["box"] {
  const box = shown === null ? null : rules.boxOf(shown);
  if (box === null) return null;
  const { x, y } = terminal.cursor;
  // A blank line ends a box that has no other end, unless the cursor says that it goes on.
  const to = box.kind === "mark" && y >= box.to ? y + 1 : box.to;
  const rows = Array.from({ length: to - box.from }, (_, index) => terminal.typedRow(box.from + index));
  // Below what is typed such a box has labels of its own, which only the cursor tells from text.
  const input = box.kind === "bar" && y >= box.from && y < to ? [...rows.slice(0, y - box.from), terminal.row(y, x)] : rows;
  const { placeholder } = rules.profile.prompt;
  const typed = input.map((row, index) => (index === 0 ? row.replace(MARK, "") : row.replace(/^[\s│┃║▌╹]+/u, "")).replace(BORDER, ""));
  const text = typed.join("\n").trim();
  return { text: rows.join("\n"), typed: placeholder !== null && new RegExp(placeholder, "u").test(text) ? "" : text };
}

/** Something on the screen waits for an answer. */
export function isBlocked({ state, rule, verdict }: DeliveryLook): boolean {
  return verdict?.state === "attention" || (state === "attention" && rule !== FINISHED_UNSEEN);
}

/** What somebody has typed and not submitted, shortened; null when nothing is there. */
export function heldText(look: DeliveryLook): string | null {
  if (look.tool?.hasBox === true) return look.box === null || look.box.typed === "" ? null : look.box.typed.slice(0, 40);
  if (!look.halfTyped || look.alternate || look.cursorLine.trim() === "" || looksLikePrompt(look.cursorLine)) return null;
  return look.cursorLine.trim().slice(-40);
}
