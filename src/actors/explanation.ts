/** Why a session's state is what it is: the winner, the losers, what is held back, and what would change it. */
import type { Explanation, ReportSeen } from "../explanation.js";
import type { Evidence, SessionState } from "../session.js";
import { lookAtSilence, type DetectorInput, type DetectorSettings, type Look } from "./evidence.js";
import { looksLikePrompt } from "./prompt-line.js";
import type { Shown } from "./screen-regions.js";
import type { ToolRules } from "./tool-rules.js";

export interface ExplanationInput {
  input: DetectorInput;
  evidence: Evidence | null;
  state: SessionState;
  since: number;
  newest: { look: Look | null; held: boolean; holdMs: number };
  rules: ToolRules | null;
  reported: ReportSeen | null;
  shown: Shown | null;
  /** Detection has failed and is over. */
  broken: boolean;
  settings: DetectorSettings;
}

export function explain(given: ExplanationInput): Explanation {
  const { input, evidence, rules, shown, newest } = given;
  const { profile } = rules ?? { profile: null };
  const candidates: Explanation["candidates"] = rules === null || shown === null ? [] : rules.candidates(shown);
  candidates.push(...plainCandidates(given, rules !== null && !rules.empty));
  const { reported } = given;
  if (reported !== null) {
    if (reported.outcome === "won") for (const one of candidates) if (one.outcome === "won") one.outcome = "outranked";
    if (reported.state !== null) candidates.unshift(reportCandidate(reported));
  }
  // What has no line of its own (a start, a state that is held, a screen that no rule knows) still decides.
  if (evidence !== null && !candidates.some(({ outcome }) => outcome === "won")) {
    const { source, rule, detail } = evidence;
    candidates.unshift({ source, rule, state: given.state, region: "session", outcome: "won", text: detail });
  }
  const held = newest.held && newest.look !== null ? newest.look : null;
  return {
    state: given.state,
    since: given.since,
    evidence,
    tool:
      profile === null
        ? null
        : {
            name: profile.name,
            title: profile.title,
            revision: profile.revision,
            verified: profile.verified === null ? null : `${profile.verified.versions.join(", ")} on ${profile.verified.on}`,
            files: profile.files,
          },
    held: held === null ? null : { state: held.state, rule: held.rule, hold_ms: newest.holdMs, text: held.detail },
    report: reported,
    candidates,
    inputs: {
      title: shown?.title ?? "",
      progress: input.progress,
      foreground: input.foreground?.command ?? null,
      foreground_is_leader: input.foreground?.isLeader ?? null,
      cursor_line: input.cursorLine(),
      shell_phase: input.osc133?.phase ?? null,
      quiet_ms: input.lastOutputAt === 0 ? null : Math.max(0, input.now - input.lastOutputAt),
      alternate_screen: input.altScreen,
    },
    would_change: wouldChange(given, candidates),
  };
}

/** What a report decides beside: it is shown first, because it is the strongest source. */
function reportCandidate({ source, event, state, outcome, text, age_ms }: ReportSeen): Explanation["candidates"][number] {
  const became = outcome === "won" || outcome === "contradicted" ? outcome : "outranked";
  return { source: "report", rule: event, state: state ?? "idle", region: source, outcome: became, text: `${text}, ${age_ms} ms ago` };
}

/** The sources that need no profile. Of the one that decides, the rule that does; of the others, the rule that it is known by. */
function plainCandidates({ input, evidence, state: said, settings }: ExplanationInput, toolDecides: boolean): Explanation["candidates"] {
  const { osc133, foreground, progress, notification, now, lastOutputAt } = input;
  const found: Explanation["candidates"] = [];
  const add = (source: string, rule: string, state: SessionState, region: string, holds: boolean, text: string): void => {
    if (!toolDecides && evidence?.source === source)
      found.push({ source, rule: evidence.rule, state: said, region, outcome: "won", text: holds ? text : evidence.detail });
    else found.push({ source, rule, state, region, outcome: holds ? "outranked" : "no_match", text });
  };
  add("notification", "program_notified", "attention", "stream", notification !== null, notification?.text ?? "nothing that still holds");
  const mark = osc133 === null ? "the shell marks nothing" : `phase ${osc133.phase}${osc133.exit === null ? "" : `, exit ${osc133.exit}`}`;
  add("osc133", "marks", osc133?.phase === "C" ? "busy" : "idle", "stream", osc133 !== null, mark);
  add(
    "progress",
    "progress_under_way",
    "busy",
    "stream",
    /^(?:normal|indeterminate)/.test(progress),
    progress === "" ? "nothing was said" : progress,
  );
  const front =
    foreground === null
      ? "nothing is in front"
      : `${foreground.command ?? "a program"}${foreground.isLeader ? " (the session's own process)" : ""}`;
  add("foreground", "program_in_front", "busy", "processes", foreground !== null && !foreground.isLeader, front);
  const line = input.cursorLine();
  add("prompt", "shell_prompt", "idle", "cursor line", looksLikePrompt(line), line.slice(0, 160));
  const quietMs = lastOutputAt === 0 ? Number.POSITIVE_INFINITY : Math.max(0, now - lastOutputAt);
  const quiet = lastOutputAt === 0 ? "has printed nothing" : `quiet for ${quietMs} ms`;
  const { rule, state } = lookAtSilence(input, settings, quietMs);
  add("silence", rule, state, "stream", true, quiet);
  return found;
}

/** When a state ends that a shell or a program without a profile is in, by the rule that says it. */
const ENDS: Readonly<Record<string, string>> = {
  program_notified: "what else shows, when somebody types or looks, or when other work begins",
  finished_unseen: "idle, when somebody types or looks",
  command_running: "idle or error, when the shell marks the command's end; silence alone does not end it",
  program_in_front:
    "idle, when the shell is in front again, or when the program is quiet at a prompt of its own or on a full screen; silence alone does not end it",
  progress_under_way: "what else shows, when the program says that its progress has ended",
  output_lately: "idle, when it prints nothing for a while",
  no_output_yet: "what shows then, when it prints something, or has printed nothing for a moment",
};

function wouldChange(given: ExplanationInput, candidates: Explanation["candidates"]): string[] {
  const { state, evidence, rules, broken, newest } = given;
  if (broken) return ["nothing: its state is no longer watched, because watching it has failed"];
  const said: string[] = [];
  if (newest.held && newest.look !== null)
    said.push(
      `it becomes ${newest.look.state} when what shows now (${newest.look.rule}) is still there ${newest.holdMs} ms after it was first seen`,
    );
  if (given.reported?.outcome === "won") said.push("the next report, or a screen that shows something else later");
  if (rules !== null && !rules.empty) {
    for (const { rule, region, state: to, outcome, text } of candidates)
      if (outcome === "no_match" && to !== state && rules.profile.rules.some(({ id }) => id === rule))
        said.push(`${to}, when ${rule} matches in ${region} (now: ${text})`);
    said.push("the rules of the shell, when the tool leaves the foreground");
  } else {
    said.push(endOf(given, evidence?.rule ?? ""));
  }
  return said.slice(0, 24);
}

function endOf({ state, input, settings }: ExplanationInput, rule: string): string {
  if (rule === "command_failed") {
    const { now, osc133 } = input;
    const left = Math.max(0, (osc133?.endedAt ?? osc133?.at ?? now) + settings.errorLingerMs - now);
    return `idle, ${settings.errorLingerMs} ms after the command has failed (${left} ms from now), or busy, when the next one begins`;
  }
  return ENDS[rule] ?? (state === "busy" ? "idle, when the program ends or its prompt is back" : CALM);
}

const CALM = "busy, when a program comes to the front or something is printed";
