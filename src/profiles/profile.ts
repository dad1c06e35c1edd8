/**
 * A tool's profile, checked and complete: what a program that people run in a session is called, how it is started, and how its
 * state is told from what it shows. Plain data: it crosses threads by structured clone, patterns as their sources.
 */

/** States that a rule may name. `starting` and `exited` are nobody's to see on a screen. */
export const RULE_STATES = ["busy", "idle", "attention", "error"] as const;
export type RuleState = (typeof RULE_STATES)[number];

/**
 * A place that a rule looks at:
 *
 * ```
 * title            the terminal's title (OSC 0/2)
 * progress         OSC 9;4 as text: `none`, `normal 40`, `error`, `indeterminate`, `paused`
 * screen           every row of the screen, never the scrollback
 * bottom           the last `lines` rows that are not blank
 * after_rule       what lies below the last horizontal line that spans at least half the screen
 * inside_box       inside the prompt box
 * above_box        the last `lines` rows above the prompt box that are not blank
 * below_box        below the prompt box
 * ```
 * A region that is not there (no box, no line) is empty: it matches nothing.
 */
export const REGIONS = ["title", "progress", "screen", "bottom", "after_rule", "inside_box", "above_box", "below_box"] as const;
export type RegionName = (typeof REGIONS)[number];

export interface ProfileRule {
  /** Unique within its profile; stable, because evidence names it. */
  id: string;
  state: RuleState;
  region: RegionName;
  /** Of `bottom` and `above_box`: how many rows. */
  lines: number;
  /** The title must match this too; null: whatever it is. */
  title: string | null;
  /** Every one of these must match some row of the region, each row by itself. */
  all: string[];
  /** At least one of these, where there are any. */
  any: string[];
  /** None of these. */
  none: string[];
  confidence: "high" | "medium" | "low";
  /**
   * Rules of the title and of progress are believed before those of the screen. This screen rule is believed before them: for
   * dialogs, where the title only says that the tool rests.
   */
  overTitle: boolean;
}

/** How the box is found that people type into. From the bottom of the screen upwards. */
export interface PromptBox {
  /** `edges`: between the last two rows that match. `mark`: from the last row that matches to the next blank one. `bar`: the last rows that match without a gap. */
  kind: "edges" | "mark" | "bar";
  pattern: string;
  /** What the first row inside shows; when it does not, there is no box: two lines across the window may be anything. */
  first: string | null;
}

/** What one of the tool's own events says of its state. */
export interface ProfileEvent {
  /** Null: it says nothing of the state. */
  state: RuleState | null;
  /** False: evidence, not a verdict. Tools tell some things that are not so, or not always. */
  reliable: boolean;
}

/** Which of the words that a session was made with are said again when it goes on with its conversation. */
export interface ResumeOptions {
  /** Options that take no value, and that take one. Any other takes every word up to the next option. */
  none: string[];
  one: string[];
  /** What chooses a conversation or begins one: left out, with its value. */
  drop: string[];
  /** With one of these it was no conversation with a person: it is started as it was made. */
  never: string[];
}

/** What a tool makes of a prompt besides taking it: its tabs become blanks, its letters are composed (NFC), a backslash before the submit key breaks the line instead. */
export const ALTERATIONS = ["tabs", "decomposed", "final_backslash"] as const;
export type Alteration = (typeof ALTERATIONS)[number];

/** How a prompt gets into the tool. */
export interface PromptWays {
  /** As a bracketed paste, where the tool asks for those. False: as if typed. */
  paste: boolean;
  /** Keys that hand it over, by their tmux names. */
  submit: string[];
  /** The least time between the text and the submit keys: tools take keys that come at once for a part of the paste. */
  settleMs: number;
  /** Of `new --prompt`: as the command's last argument, or typed when the tool is ready. */
  pass: "typed" | "argument";
  /** What does not arrive as it was sent, and is refused by name. */
  alters: Alteration[];
  /** What may stand in the box instead of a long text. */
  collapsed: string;
  /** A hint in the empty box that is not faint; null: hints are faint. */
  placeholder: string | null;
}

export interface Profile {
  name: string;
  title: string;
  /** Counts up with every change of the file. */
  revision: number;
  /** Null: written from what is told of the tool, and not checked against it. */
  verified: { versions: string[]; on: string } | null;
  aliases: string[];
  /** What `new --tool` starts; empty for a kind of tool that has no command of its own. */
  command: string[];
  /** Names of the foreground program by which the tool is recognised. */
  processes: string[];
  resume: string[];
  resumeOptions: ResumeOptions;
  prompt: PromptWays;
  conversation: string;
  hooks: string[];
  /** By the names under which hooks report them. */
  events: Record<string, ProfileEvent>;
  contextLimit: number;
  /** `starting` lasts until a rule says idle or attention, at most so long. */
  startupMs: number;
  box: PromptBox | null;
  rules: ProfileRule[];
  notes: string[];
  /** Where it comes from: file paths, the shipped one first. */
  files: string[];
}

/** All profiles, and a name for just this set of them: a thread keeps one copy, however many sessions it hosts. */
export interface ProfileSet {
  digest: string;
  profiles: Profile[];
}

export const NO_PROFILES: ProfileSet = { digest: "", profiles: [] };

/** Tokens that a conversation may hold where nothing is known of the tool. */
export const DEFAULT_CONTEXT_LIMIT = 128_000;

/** By name or alias. */
export function findProfile(set: ProfileSet, name: string): Profile | undefined {
  return set.profiles.find((profile) => profile.name === name || profile.aliases.includes(name));
}

/** By the name of the program in front. */
export function profileOfProgram(set: ProfileSet, program: string): Profile | undefined {
  return set.profiles.find((profile) => profile.processes.includes(program));
}
