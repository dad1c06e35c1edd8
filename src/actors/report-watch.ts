/**
 * What hooks and engines have said of the tool in front, against what its screen shows. A report is the word of the tool itself for the
 * moment at which something happened; the screen says what is so now. So a report decides until the screen contradicts it:
 *
 * ```
 * reported    ends when the screen
 * busy        shows rest that began later (Esc has no hook), has not begun to work within 3 s, or shows a dialog
 * idle        goes on being drawn and still shows work (another hook has refused the end), or shows a dialog
 * attention   shows work or rest that began later, or work for 15 s
 * error       shows anything that began later, at the latest after 4 s
 * ```
 * What a rule says with low confidence, or no rule, contradicts nothing by itself; but a tool that is said to work and prints nothing
 * is believed less and less. What a tool tells unreliably decides nothing while a rule knows the screen. A machine without clock.
 */
import type { ReportSeen } from "../explanation.js";
import type { Profile, ProfileEvent, RuleState } from "../profiles/profile.js";
import type { Confidence } from "../session.js";
import type { ToolVerdict } from "./evidence.js";
import type { Report } from "./messages.js";

/** A spinner is drawn on for so long after the tool has said that the turn is over. */
const DRAWN_MS = 250;
/** A tool that has been given something shows that it works by then. */
const UNCONFIRMED_MS = 3_000;
/** Work that goes on showing for so long ends a report that a person is waited for. */
const WORKS_ON_MS = 15_000;
/** Printing nothing for so long: a doubtful word of the screen is believed before an old report. */
const DOUBT_MS = 5_000;
/** The same where no rule knows the screen. */
const UNKNOWN_MS = 60_000;
/** What is told unreliably has to last so long before it is passed on with a warning: the next report often takes it back. */
const HINT_MS = 1_000;
const HINT_ENDS_MS = 600_000;
/** Output so much later than a report of rest makes it doubtful where no rule knows the screen. */
const RESTLESS_MS = 2_000;
/** A report comes before the program is seen in front. */
const EARLY_MS = 5_000;
const MAX_TEXT = 160;

interface Word {
  report: Report;
  state: RuleState;
  /** Why it does not count any more, null while it does. */
  over: string | null;
  /** The process group in front when it came. */
  group: number | null;
}

export interface ReportMoment {
  now: number;
  lastOutputAt: number;
  errorLingerMs: number;
}

export class ReportWatch {
  /** The tool in front, by its profile's name. */
  #front: string | null = null;
  #word: Word | null = null;
  #hint: Word | null = null;
  #newest: { report: Report; said: ProfileEvent; note: string } | null = null;
  /** What the screen has shown, and since when without a break. */
  #shows: { state: RuleState; since: number } | null = null;
  #won: Report | null = null;
  #next: number | null = null;

  /**
   * @param profile of the tool that the report is about
   * @param group the process group in front
   */
  take(report: Report, profile: Profile | null, group: number | null): void {
    const known = profile !== null && Object.hasOwn(profile.events, report.event) ? profile.events[report.event] : undefined;
    // The reporter's own word counts, but not beyond what is known of the tool.
    const state = report.state ?? known?.state ?? null;
    const reliable = state !== null && (known === undefined || known.state === null ? report.state !== null : known.reliable);
    this.#newest = { report, said: { state, reliable }, note: "" };
    if (state === null) return;
    const word: Word = { report, state, over: null, group };
    if (!reliable) {
      this.#hint = word;
    } else if (this.#word !== null && this.#word.report.at > report.at) {
      this.#newest.note = `${this.#word.report.source} has said later things`;
    } else {
      this.#word = word;
      this.#hint = null;
    }
  }

  /** Milliseconds until the answer to the last question changes by itself, null when only something new can change it. */
  get next(): number | null {
    return this.#next;
  }

  /** Another tool is in front, or none. */
  front(tool: string | null, now: number): void {
    if (tool === this.#front) return;
    this.#front = tool;
    this.#shows = null;
    const left = (word: Word | null): Word | null =>
      word !== null && tool !== null && word.report.tool === tool && now - word.report.at < EARLY_MS ? word : null;
    this.#word = left(this.#word);
    this.#hint = left(this.#hint);
  }

  /** What is to be believed of the tool in front. @param shown what its rules say of the screen */
  weigh(shown: ToolVerdict | null, moment: ReportMoment): ToolVerdict | null {
    const { now } = moment;
    if (shown === null) this.#shows = null;
    else if (this.#shows?.state !== shown.state) this.#shows = { state: shown.state, since: now };
    this.#won = null;
    this.#next = null;
    const word = this.#mine(this.#word);
    const said = word === null ? null : this.#decide(word, shown, moment);
    return this.#hinted(said, shown, moment) ?? said ?? shown;
  }

  /** For a session whose program nothing is known of: the reporter's word, until the next, or until that program is no longer in front. */
  plain(moment: ReportMoment, front: { group: number | null; markedAt: number }): ToolVerdict | null {
    const word = this.#word;
    this.#won = null;
    this.#next = null;
    if (word === null || word.over !== null) return null;
    const { at } = word.report;
    if (front.group !== null && word.group !== null && front.group !== word.group)
      word.over = "the program that it was about has left the foreground";
    else if (front.markedAt > at) word.over = "the shell has said later things";
    else if (word.state === "error" && moment.now - at >= moment.errorLingerMs) word.over = "it has been shown for a while";
    if (word.over !== null) return null;
    return this.#say(word, "high", word.state === "error" ? at + moment.errorLingerMs - moment.now : null);
  }

  /** The newest report, and what became of it. */
  seen(now: number): ReportSeen | null {
    if (this.#newest === null) return null;
    const { report, said, note } = this.#newest;
    const word = [this.#word, this.#hint].find((one) => one?.report === report) ?? null;
    const { source, event, at } = report;
    const outcome =
      this.#won === report
        ? "won"
        : said.state === null
          ? "no_state"
          : word !== null && word.over !== null
            ? "contradicted"
            : said.reliable
              ? "outranked"
              : "evidence";
    const text =
      note !== "" ? note : (word?.over ?? (said.reliable || said.state === null ? words(report) : `${words(report)}; it is not always so`));
    return { source, event, ...said, at, age_ms: Math.max(0, now - at), outcome, text };
  }

  #mine(word: Word | null): Word | null {
    return word !== null && word.over === null && (word.report.tool === null || word.report.tool === this.#front) ? word : null;
  }

  /** @returns null when what shows is believed */
  #decide(word: Word, shown: ToolVerdict | null, moment: ReportMoment): ToolVerdict | null {
    const { now, lastOutputAt, errorLingerMs } = moment;
    const { at } = word.report;
    const age = now - at;
    const shows = this.#shows;
    const later = shows !== null && shows.since > at;
    const ends = (why: string): null => {
      word.over = why;
      return null;
    };
    // A clock that was set back.
    if (age < -UNCONFIRMED_MS) return ends("it is from the future");
    const positive = shown !== null && shown.confidence !== "low" ? shown : null;
    if (positive?.state === "attention" && word.state !== "attention") return later ? ends(contrary(positive)) : null;
    switch (word.state) {
      case "busy":
        return this.#decideBusy(word, shown, positive, { age, later, quiet: now - Math.max(lastOutputAt, at), now, ends });
      case "idle": {
        if (shown?.state === "busy" && positive !== null) {
          if (lastOutputAt > at + DRAWN_MS) return ends(contrary(positive));
          return this.#say(word, "medium", Math.max(1, at + DRAWN_MS - now));
        }
        if (positive !== null && positive.state !== "idle" && later) return ends(contrary(positive));
        const doubtful = shown === null && lastOutputAt > at + RESTLESS_MS;
        return this.#say(word, doubtful ? "low" : "high", null);
      }
      case "attention":
        if (positive !== null && positive.state !== "attention") {
          if (later) return ends(contrary(positive));
          if (positive.state === "busy") {
            if (age >= WORKS_ON_MS) return ends(contrary(positive));
            return this.#say(word, "medium", WORKS_ON_MS - age);
          }
        }
        return this.#say(word, "high", null);
      case "error":
        if (age >= errorLingerMs) return ends("it has been shown for a while");
        if (positive !== null && positive.state !== "error" && later) return ends(contrary(positive));
        return this.#say(word, "high", errorLingerMs - age);
      default:
        return word.state satisfies never;
    }
  }

  #decideBusy(
    word: Word,
    shown: ToolVerdict | null,
    positive: ToolVerdict | null,
    { age, later, quiet, now, ends }: { age: number; later: boolean; quiet: number; now: number; ends: (why: string) => null },
  ): ToolVerdict | null {
    if (shown === null)
      return quiet >= UNKNOWN_MS
        ? ends("nothing was printed for long, and no rule knows the screen")
        : this.#say(word, "high", UNKNOWN_MS - quiet);
    if (shown.state === "busy") return this.#say(word, "high", null);
    if (positive === null)
      return quiet >= DOUBT_MS
        ? ends(`nothing was printed for a while, and ${contrary(shown)}`)
        : this.#say(word, "medium", DOUBT_MS - quiet);
    if (later) {
      // Half a frame may look like rest: a moment of it ends nothing.
      if (now - (this.#shows?.since ?? now) >= DRAWN_MS) return ends(contrary(positive));
      return null;
    }
    return age >= UNCONFIRMED_MS ? ends(`no work shows: ${contrary(positive)}`) : this.#say(word, "medium", UNCONFIRMED_MS - age);
  }

  /** @returns null when what is told unreliably changes nothing */
  #hinted(said: ToolVerdict | null, shown: ToolVerdict | null, { now }: ReportMoment): ToolVerdict | null {
    const hint = this.#mine(this.#hint);
    if (hint === null) return null;
    const age = now - hint.report.at;
    if (age < -UNCONFIRMED_MS || age >= HINT_ENDS_MS) {
      hint.over = "it was long ago";
      return null;
    }
    if (shown !== null) {
      // It was told when what shows began, or later.
      const agrees = said === null && shown.state === hint.state && hint.report.at >= (this.#shows?.since ?? now) - RESTLESS_MS;
      if (!agrees || shown.confidence === "high") return null;
      return { ...shown, confidence: shown.confidence === "low" ? "medium" : "high", text: `${shown.text} (${words(hint.report)})` };
    }
    // After the end of a turn it reminds of what has been said.
    if (said !== null && (said.state !== "busy" || hint.state === "busy")) return null;
    if (age < HINT_MS) {
      this.#next = HINT_MS - age;
      return null;
    }
    const told = this.#say(hint, "low", HINT_ENDS_MS - age);
    return { ...told, text: `${told.text}; it is not always so, and no rule knows what shows`, reportedAt: null };
  }

  #say(word: Word, confidence: Confidence, next: number | null): ToolVerdict {
    this.#won = word.report;
    this.#next = next;
    const { report, state } = word;
    return { state, source: "report", rule: report.event, confidence, text: words(report), reportedAt: report.at };
  }
}

function words({ source, event, detail }: Report): string {
  const text = `${source} says ${event}${detail === "" ? "" : `: ${detail}`}`;
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, "")}…`;
}

function contrary({ state, rule }: ToolVerdict): string {
  return `the screen shows ${state} (${rule})`;
}
