/**
 * Which tool runs in a session: the one it was made for, until its shell is back in front, or the one whose program has come to
 * the front, also when somebody started it by hand.
 */
import { findProfile, profileOfProgram, type Profile, type ProfileSet } from "../profiles/profile.js";
import { isShellName, type Foreground } from "./foreground.js";
import type { ShellPhase } from "./shell-integration.js";
import { rulesOf, type ToolRules } from "./tool-rules.js";

export class ToolWatch {
  readonly #asked: string | null;
  readonly #leader: number;
  readonly #startedAt: number;
  #set: ProfileSet;
  #profile: Profile | null = null;
  /** The process group the tool was recognised by, null while it is only asked for. */
  #group: number | null = null;
  #since = 0;
  /** The tool that was asked for has been in front, and has left. */
  #left = false;
  #looked = false;

  /**
   * @param asked the tool that the session was made for
   * @param leader pid of the session's process
   * @param startedAt when that was started; 0 when that was before this actor
   */
  constructor(set: ProfileSet, asked: string | null, leader: number, startedAt: number) {
    this.#set = sharedSet(set);
    this.#asked = asked;
    this.#leader = leader;
    this.#startedAt = startedAt;
    this.#enter(asked === null ? undefined : findProfile(this.#set, asked), startedAt, null);
  }

  get tool(): string | null {
    return this.#profile?.name ?? null;
  }
  get contextLimit(): number | null {
    return this.#profile?.contextLimit ?? null;
  }
  get rules(): ToolRules | null {
    return this.#profile === null ? null : rulesOf(this.#profile);
  }
  /** By its name, whichever is in front. */
  known(name: string): Profile | null {
    return findProfile(this.#set, name) ?? null;
  }
  /** When it came to the front. */
  get since(): number {
    return this.#since;
  }

  /** @returns true when the tool has changed by what is in front now */
  look(foreground: Foreground | null, leaderIsShell: boolean, shell: ShellPhase | null, now: number): boolean {
    if (foreground === null) return false;
    // What is in front when an actor takes a session over has been there before.
    const since = this.#looked || this.#startedAt > 0 ? now : 0;
    this.#looked = true;
    const before = this.#profile;
    const known = foreground.command === null ? undefined : profileOfProgram(this.#set, foreground.command);
    if (known !== undefined) {
      if (known !== before || (this.#group !== null && this.#group !== foreground.group))
        this.#enter(known, known === before && this.#group === null ? this.#since : since, foreground.group);
      this.#group = foreground.group;
      return known !== before;
    }
    if (before === null) return false;
    const shellInFront = foreground.isLeader && leaderIsShell;
    if (this.#group === null) {
      // Asked for, and not seen yet: it is still on its way, unless a shell has the terminal and says that it waits.
      if (!shellInFront || shell === null || shell.phase === "C") return false;
    } else if (foreground.group === this.#group && !isShellName(foreground.command ?? "")) {
      return false;
    } else if (!shellInFront && (this.#group === this.#leader || this.#asked === before.name)) {
      // Something that the tool has put in front of itself: an editor, a pager.
      return false;
    }
    this.#left = true;
    this.#enter(undefined, now, null);
    return true;
  }

  /** @returns true when the tool is called otherwise now, or its limits are others */
  replace(set: ProfileSet): boolean {
    const before = this.#profile;
    this.#set = sharedSet(set);
    const name = before?.name ?? (this.#left ? null : this.#asked);
    if (name === null) return false;
    const profile = findProfile(this.#set, name);
    this.#profile = profile ?? null;
    return before?.name !== profile?.name || before?.contextLimit !== profile?.contextLimit;
  }

  #enter(profile: Profile | undefined, since: number, group: number | null): void {
    this.#profile = profile ?? null;
    this.#since = since;
    this.#group = group;
  }
}

/** One set a thread: what comes by structured clone is a copy each time, and two thousand sessions need but one. */
let shared: ProfileSet | null = null;

function sharedSet(set: ProfileSet): ProfileSet {
  if (shared === null || shared.digest !== set.digest) shared = set;
  return shared;
}
