/**
 * A profile's rules, ready to be asked. Pure: what is shown in, a verdict out. Precedence, and with it the one authority at a time:
 *
 * 1. screen rules that stand over the title (dialogs: the title only knows that the tool rests)
 * 2. title rules, progress rules
 * 3. the other screen rules
 *
 * and among those, the file's order. A title that says idle only says whose turn it is, so that 1 and 2 do not contradict each other.
 */
import type { Profile, ProfileRule, PromptBox, RuleState } from "../profiles/profile.js";
import { ScreenRegions, type BoxFinder, type Shown } from "./screen-regions.js";

export type RuleSource = "title" | "progress" | "screen";

export interface Verdict {
  state: RuleState;
  source: RuleSource;
  rule: string;
  confidence: ProfileRule["confidence"];
  /** The text that the rule matched, shortened. */
  text: string;
}

/** What became of one rule, for `explain`. */
export interface Candidate {
  source: RuleSource;
  rule: string;
  state: RuleState;
  region: string;
  outcome: "won" | "outranked" | "no_match";
  /** What it matched, or what was missing. */
  text: string;
}

interface CompiledRule {
  rule: ProfileRule;
  source: RuleSource;
  title: RegExp | null;
  all: RegExp[];
  any: RegExp[];
  none: RegExp[];
}

const MAX_TEXT = 160;

export class ToolRules {
  readonly profile: Profile;
  readonly #rules: CompiledRule[];
  readonly #box: BoxFinder | null;

  constructor(profile: Profile) {
    this.profile = profile;
    this.#rules = profile.rules.map(compile).sort((a, b) => rank(a) - rank(b));
    const { box } = profile;
    const first = box === null || box.first === null ? null : new RegExp(box.first, "u");
    this.#box = box === null ? null : { kind: box.kind, pattern: new RegExp(box.pattern, "u"), first };
  }

  /** Whether the profile can tell anything: without rules the shell's evidence is all there is. */
  get empty(): boolean {
    return this.#rules.length === 0;
  }

  /** The first rule that holds, null when none does. */
  judge(shown: Shown): Verdict | null {
    const regions = new ScreenRegions(shown, this.#box);
    for (const compiled of this.#rules) {
      const text = matched(compiled, regions);
      if (text !== null) return verdict(compiled, text);
    }
    return null;
  }

  /** Where the prompt box is; null when it is not on the screen, or the profile does not say how to find it. */
  boxOf(shown: Shown): { from: number; to: number; kind: PromptBox["kind"] } | null {
    if (this.#box === null) return null;
    const box = new ScreenRegions(shown, this.#box).box;
    return box === null ? null : { ...box, kind: this.#box.kind };
  }

  /** Every rule, in order of precedence, with what became of it. */
  candidates(shown: Shown): Candidate[] {
    const regions = new ScreenRegions(shown, this.#box);
    let won = false;
    return this.#rules.map((compiled) => {
      const { rule, source } = compiled;
      const text = matched(compiled, regions);
      const outcome = text === null ? "no_match" : won ? "outranked" : "won";
      won ||= text !== null;
      const region = rule.region === "bottom" || rule.region === "above_box" ? `${rule.region} ${rule.lines}` : rule.region;
      return { source, rule: rule.id, state: rule.state, region, outcome, text: text ?? missing(compiled, regions) };
    });
  }
}

function compile(rule: ProfileRule): CompiledRule {
  const source = rule.region === "title" || rule.region === "progress" ? rule.region : "screen";
  const all = rule.all.map((pattern) => new RegExp(pattern, "u"));
  const any = rule.any.map((pattern) => new RegExp(pattern, "u"));
  const title = rule.title === null ? null : new RegExp(rule.title, "u");
  return { rule, source, title, all, any, none: rule.none.map((pattern) => new RegExp(pattern, "u")) };
}

function rank({ rule, source }: CompiledRule): number {
  if (source !== "screen") return 1;
  return rule.overTitle ? 0 : 2;
}

/** The rows that made it hold, null when it does not. */
function matched({ rule, title, all, any, none }: CompiledRule, regions: ScreenRegions): string | null {
  const rows = regions.region(rule.region, rule.lines);
  if (rows.length === 0 || (title !== null && !regions.region("title", 1).some((text) => title.test(text)))) return null;
  const seen: string[] = [];
  for (const pattern of all) {
    const row = rows.find((text) => pattern.test(text));
    if (row === undefined) return null;
    seen.push(row.trim());
  }
  if (any.length > 0) {
    const row = rows.find((text) => any.some((pattern) => pattern.test(text)));
    if (row === undefined) return null;
    seen.push(row.trim());
  }
  if (none.some((pattern) => rows.some((text) => pattern.test(text)))) return null;
  return short([...new Set(seen)].join(" ⏎ "));
}

function missing({ rule, title, all, any, none }: CompiledRule, regions: ScreenRegions): string {
  const rows = regions.region(rule.region, rule.lines);
  if (rows.length === 0) return "the region is empty";
  if (title !== null && !regions.region("title", 1).some((text) => title.test(text))) return short(`the title lacks ${title.source}`);
  const lacks = all.find((pattern) => !rows.some((text) => pattern.test(text)));
  if (lacks !== undefined) return short(`lacks ${lacks.source}`);
  if (any.length > 0 && !rows.some((text) => any.some((pattern) => pattern.test(text))))
    return short(`lacks any of ${any.map(({ source }) => source).join(" , ")}`);
  const forbidden = none.find((pattern) => rows.some((text) => pattern.test(text)));
  return forbidden === undefined ? "" : short(`must not show ${forbidden.source}`);
}

function verdict({ rule, source }: CompiledRule, text: string): Verdict {
  return { state: rule.state, source, rule: rule.id, confidence: rule.confidence, text };
}

function short(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** One compilation a thread, however many sessions run the tool. A reload leaves the old ones to the collector. */
const compiledRules = new WeakMap<Profile, ToolRules>();

export function rulesOf(profile: Profile): ToolRules {
  let rules = compiledRules.get(profile);
  if (rules === undefined) {
    rules = new ToolRules(profile);
    compiledRules.set(profile, rules);
  }
  return rules;
}
