/**
 * Which conversation of its tool a session is in, and what the tool's own transcript says of it: tokens, model, last skill. The newest
 * conversation that is proven to be the session's wins, so that `/clear` and `/resume` inside the tool are followed.
 *
 * Proof is that the reporter runs inside the session, or has its environment. Anybody else must name a transcript that says the same
 * conversation and a directory of the session, was written since the session's process was started, and is no other session's.
 */
import { existsSync } from "node:fs";
import { PERIODS } from "../bounds.js";
import type { Clock } from "../clock.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { findProfile, type ProfileSet } from "../profiles/profile.js";
import type { ReportRequest } from "./api.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Keeping } from "./keeping.js";
import { within } from "./report-admission.js";
import { planResume, type ResumePlan } from "./resume.js";
import { startConversation } from "./state.js";
import type { SessionTable } from "./table.js";
import { findRollout, readTail } from "./transcript-file.js";
import { parseTranscript, type TranscriptFacts } from "./transcript.js";

export interface ConversationsParts {
  table: SessionTable;
  events: EventLog;
  keeping: Keeping;
  clock: Clock;
  log: Log;
}

/** A tool writes its transcript a moment after it says that the turn is over. */
const WRITTEN_MS = 300;
/** Conversations of one session in a minute: more is a program that makes them up. */
const MOST_A_MINUTE = 20;
/** Transcripts read at once, of all sessions: disk calls share a small pool. */
const AT_ONCE = 2;
/** The same where a reporter waits for the answer. */
const MOST_PROOFS = 8;

interface Reading {
  timer: NodeJS.Timeout | null;
  readAt: number;
  /** When its conversation changed. */
  changes: number[];
}

type Said = Pick<ReportRequest, "conversation_id" | "transcript" | "model" | "token_count" | "context_limit" | "skill" | "tool"> & {
  at: number;
};

export class Conversations {
  readonly #p: ConversationsParts;
  readonly #readings = new Map<SessionEntry, Reading>();
  #under = 0;
  #stopped = false;

  constructor(parts: ConversationsParts) {
    this.#p = parts;
  }

  /**
   * What a report says of the conversation.
   * @param proven the reporter is known to belong to the session
   * @returns why nothing of it is used, null when it is
   */
  async learn(entry: SessionEntry, said: Said, proven: boolean): Promise<string | null> {
    const claimed = said.conversation_id;
    const problem = this.#foreign(entry, claimed ?? null) ?? (proven ? null : await this.#prove(entry, said));
    if (problem !== null) return problem;
    if (claimed !== undefined && claimed !== entry.conversationId && !this.#change(entry, claimed))
      return `its conversation has changed ${MOST_A_MINUTE} times within a minute`;
    let changed = false;
    const set = <K extends "transcript" | "model" | "tokenCount" | "ownContextLimit" | "lastSkill">(
      key: K,
      value: SessionEntry[K] | undefined,
    ): void => {
      if (value === undefined || entry[key] === value) return;
      entry[key] = value;
      changed = true;
    };
    set("transcript", said.transcript);
    set("model", said.model);
    set("tokenCount", said.token_count);
    set("ownContextLimit", said.context_limit ?? (said.model === undefined ? undefined : limitOf(said.model)));
    set("lastSkill", said.skill);
    if (changed) entry.dirty = true;
    this.#readSoon(entry);
    return null;
  }

  /** How a session whose process is gone goes on. */
  planResume(entry: SessionEntry, set: ProfileSet): ResumePlan {
    const profile = entry.spec.tool === null ? undefined : findProfile(set, entry.spec.tool);
    const taken = (conversation: string): boolean => {
      for (const other of this.#p.table.entries()) if (other !== entry && other.live && other.conversationId === conversation) return true;
      return false;
    };
    return planResume(entry, profile, taken, existsSync);
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#readings.values()) if (timer !== null) clearTimeout(timer);
    this.#readings.clear();
  }

  /** A conversation belongs to the session that had it first, while that lives: nobody takes another one's by claiming it. */
  #foreign(entry: SessionEntry, conversation: string | null): string | null {
    if (conversation === null || conversation === entry.conversationId) return null;
    for (const other of this.#p.table.entries())
      if (other !== entry && other.live && other.conversationId === conversation)
        return `conversation ${conversation} is that of ${other.id} (${other.spec.name})`;
    return null;
  }

  async #prove(entry: SessionEntry, said: Said): Promise<string | null> {
    const conversation = said.conversation_id ?? entry.conversationId;
    if (conversation !== null && conversation === entry.conversationId && said.transcript === undefined) return null;
    if (conversation === null || said.transcript === undefined)
      return "what it says of a conversation is not proven to be of this session: report it from inside the session, or name its conversation_id and transcript";
    if (this.#under >= MOST_PROOFS) return "too many transcripts are being looked at: say it again";
    this.#under += 1;
    const tail = await readTail(said.transcript).finally(() => {
      this.#under -= 1;
    });
    if ("problem" in tail) return `its transcript ${said.transcript} ${tail.problem}`;
    if (tail.writtenAt < (entry.startedAt ?? 0))
      return `its transcript ${said.transcript} was last written before the session's process was started`;
    const facts = parseTranscript(tail.text, tail.whole);
    const named = facts.conversation ?? (said.transcript.includes(conversation) ? conversation : null);
    if (named !== conversation) return `its transcript ${said.transcript} is not of conversation ${conversation}`;
    const directory = facts.cwd;
    if (directory === null || ![entry.spec.cwd, entry.cwd].some((own) => within(directory, own)))
      return `its transcript ${said.transcript} is of work in ${directory ?? "a directory that it does not say"}, and the session is in ${entry.spec.cwd}`;
    return null;
  }

  #change(entry: SessionEntry, to: string): boolean {
    const { events, keeping, clock } = this.#p;
    const reading = this.#reading(entry);
    const now = clock.monotonic();
    reading.changes = reading.changes.filter((at) => now - at < 60_000);
    if (reading.changes.length >= MOST_A_MINUTE) return false;
    reading.changes.push(now);
    startConversation(entry, to, events);
    // After a reboot this is how it comes back: it does not wait for the next checkpoint.
    keeping.rememberSoon(entry);
    return true;
  }

  #reading(entry: SessionEntry): Reading {
    let reading = this.#readings.get(entry);
    if (reading === undefined) {
      reading = { timer: null, readAt: Number.NEGATIVE_INFINITY, changes: [] };
      this.#readings.set(entry, reading);
      for (const [other] of this.#readings) if (other.removed) this.#readings.delete(other);
    }
    return reading;
  }

  #readSoon(entry: SessionEntry): void {
    const reading = this.#reading(entry);
    if (this.#stopped || reading.timer !== null || entry.conversationId === null) return;
    const wait = Math.max(WRITTEN_MS, reading.readAt + PERIODS.transcriptMs - this.#p.clock.monotonic());
    reading.timer = setTimeout(() => {
      reading.timer = null;
      if (this.#under >= AT_ONCE) {
        this.#readSoon(entry);
        return;
      }
      reading.readAt = this.#p.clock.monotonic();
      this.#under += 1;
      void this.#read(entry).finally(() => {
        this.#under -= 1;
      });
    }, wait);
    reading.timer.unref();
  }

  /** Never rejects. */
  async #read(entry: SessionEntry): Promise<void> {
    const conversation = entry.conversationId;
    if (conversation === null || !entry.live) return;
    try {
      entry.transcript ??= await findRollout(conversation, entry.spec.env);
      const path = entry.transcript;
      if (path === null) return;
      const tail = await readTail(path);
      if ("problem" in tail) {
        this.#p.log.debug({ session: entry.id, phase: "transcript", path, problem: tail.problem }, "a transcript is not read");
        return;
      }
      const facts = parseTranscript(tail.text, tail.whole);
      // It has gone on to another one meanwhile, or the file is of another one.
      if (entry.conversationId !== conversation || (facts.conversation ?? conversation) !== conversation) return;
      this.#use(entry, facts);
    } catch (error) {
      this.#p.log.debug({ session: entry.id, phase: "transcript", err: messageOf(error) }, "a transcript could not be read");
    }
  }

  #use(entry: SessionEntry, facts: TranscriptFacts): void {
    entry.tokenCount = facts.tokens ?? entry.tokenCount;
    // What the tool reports may say more: `[1m]` behind the model's name is in no transcript.
    if (facts.model !== null && entry.model?.startsWith(`${facts.model}[`) !== true) entry.model = facts.model;
    entry.lastSkill = facts.skill ?? entry.lastSkill;
    entry.ownContextLimit = facts.contextLimit ?? (facts.model === null ? undefined : limitOf(facts.model)) ?? entry.ownContextLimit;
    entry.dirty = true;
  }
}

/** Claude Code marks models with a large window so; of others the profile knows. */
function limitOf(model: string): number | undefined {
  return model.endsWith("[1m]") ? 1_000_000 : undefined;
}
