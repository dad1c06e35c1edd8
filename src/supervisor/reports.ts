/**
 * What hooks, plugins and engines report of sessions: whether it is taken, what it says of the conversation, and its way to the
 * session's actor, where it is evidence for the state. A storm of reports is bounded here: an actor gets a few at a time, the newest
 * ones, and the only events that come of reports are changes.
 */
import type { Report } from "../actors/messages.js";
import { PERIODS } from "../bounds.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { findProfile, type ProfileSet } from "../profiles/profile.js";
import type { Caller, ReportAnswer, ReportRequest } from "./api.js";
import type { Conversations } from "./conversations.js";
import type { SessionEntry } from "./entry.js";
import type { Hosting } from "./hosting.js";
import { refusal, reportTime, saysMore } from "./report-admission.js";
import { ancestry, belongs, type Ancestor, type SelfGuard } from "./self-guard.js";
import type { SessionTable } from "./table.js";

export interface ReportsParts {
  config: Config;
  clock: Clock;
  log: Log;
  table: SessionTable;
  hosting: Hosting;
  guard: SelfGuard;
  profiles: () => ProfileSet;
  conversations: Conversations;
}

/** Sources of one session; a source that has gone quiet makes room. */
const MOST_SOURCES = 32;
/** Reports that wait for an actor; the oldest goes. */
const MOST_WAITING = 8;
/** How long an answer waits for the actor to have heard of it: a hook's process may be what is in front, and ends with the answer. */
const HEARD_MS = 250;

/** Of one life of a session's process. */
interface Intake {
  epoch: number;
  newest: Map<string, number>;
  waiting: Report[];
  timer: NodeJS.Timeout | null;
}

export class Reports {
  readonly #p: ReportsParts;
  readonly #intakes = new WeakMap<SessionEntry, Intake>();

  constructor(parts: ReportsParts) {
    this.#p = parts;
  }

  /** @throws NOT_FOUND, FORBIDDEN */
  async take(id: string, report: ReportRequest, caller: Caller): Promise<ReportAnswer> {
    const { table, clock, conversations, guard, profiles } = this.#p;
    const entry = table.byId(id);
    const family = guard.family(caller);
    const origin = this.#origin(entry, family, caller);
    const now = clock.now();
    const intake = this.#intake(entry);
    const profile = report.tool === undefined ? undefined : findProfile(profiles(), report.tool);
    const tool = profile?.name ?? report.tool ?? null;
    const front = (tool === null ? undefined : profile) ?? (entry.tool === null ? undefined : findProfile(profiles(), entry.tool));
    const reason = refusal(report, {
      now,
      running: entry.phase === "running" && entry.actor !== null,
      startedAt: entry.startedAt ?? 0,
      newestAt: intake.newest.get(report.source) ?? 0,
      front: entry.tool,
      tool,
      programs: front?.processes ?? [],
      belongs: origin,
      family,
      pidBelongs: report.pid === undefined || (entry.pid !== null && belongs(ancestry(report.pid), entry.pid)),
      directories: [entry.spec.cwd, entry.cwd],
    });
    if (reason !== null) return { accepted: false, reason };
    const at = reportTime(report.at, now);
    const unused = saysMore(report) ? await conversations.learn(entry, { ...report, at }, origin !== null) : null;
    // Whoever is of the session is believed in what the session does, whatever becomes of the conversation.
    if (unused !== null && origin === null) return { accepted: false, reason: unused };
    note(intake.newest, report.source, at);
    // It works, or rests: it has not refused its conversation. That it begins and ends it says of one that it refuses, too.
    if (report.conversation_id === entry.resumed && (front?.events[report.event]?.state ?? null) !== null) entry.resumed = null;
    const said: Report = {
      source: report.source,
      event: report.event,
      state: report.state ?? null,
      detail: report.detail ?? "",
      at,
      tool,
      own: origin !== null,
    };
    await this.#deliver(entry, intake, said);
    return unused === null ? { accepted: true } : { accepted: true, reason: unused };
  }

  stop(): void {
    for (const entry of this.#p.table.entries()) {
      const timer = this.#intakes.get(entry)?.timer;
      if (timer !== null && timer !== undefined) clearTimeout(timer);
    }
  }

  /** @throws FORBIDDEN when the caller runs inside another session */
  #origin(entry: SessionEntry, family: readonly Ancestor[], caller: Caller): "inside" | "environment" | null {
    if (entry.pid !== null && belongs(family, entry.pid)) return "inside";
    const above = new Set(family.flatMap((one) => [one.pid, one.session]));
    for (const other of this.#p.table.entries())
      if (other !== entry && other.pid !== null && above.has(other.pid)) throw forbidden(entry, other.id, caller.pid);
    const named = this.#p.guard.named(caller, this.#p.config.paths.socket);
    if (named === null) return null;
    if (named === entry.id) return "environment";
    throw forbidden(entry, named, caller.pid);
  }

  #intake(entry: SessionEntry): Intake {
    let intake = this.#intakes.get(entry);
    if (intake?.epoch !== entry.epoch) {
      if (intake?.timer !== null && intake?.timer !== undefined) clearTimeout(intake.timer);
      intake = { epoch: entry.epoch, newest: new Map(), waiting: [], timer: null };
      this.#intakes.set(entry, intake);
    }
    return intake;
  }

  async #deliver(entry: SessionEntry, intake: Intake, report: Report): Promise<void> {
    intake.waiting.push(report);
    if (intake.waiting.length > MOST_WAITING) intake.waiting.shift();
    if (intake.timer !== null) return;
    intake.timer = setTimeout(() => {
      intake.timer = null;
      if (intake.waiting.length > 0) void this.#send(entry, intake);
    }, PERIODS.reportsMs);
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      late = setTimeout(resolve, HEARD_MS);
    });
    await Promise.race([this.#send(entry, intake), patience]);
    clearTimeout(late);
  }

  /** Never rejects: an actor that is lost has lost what its terminal said as well, and looks anew. */
  async #send(entry: SessionEntry, intake: Intake): Promise<void> {
    const reports = intake.waiting.splice(0);
    if (entry.actor === null || entry.epoch !== intake.epoch) return;
    try {
      await this.#p.hosting.ask(entry, "report", reports);
    } catch (error) {
      this.#p.log.debug({ session: entry.id, phase: "report", err: messageOf(error) }, "an actor did not hear of a report");
    }
  }
}

function forbidden(entry: SessionEntry, inside: string, pid: number): LifeguardError {
  return new LifeguardError(
    "FORBIDDEN",
    `process ${pid} runs inside ${inside} and may report about that session, not about ${entry.id} (LIFEGUARD_SESSION names the session)`,
    { pid, inside },
  );
}

function note(newest: Map<string, number>, source: string, at: number): void {
  newest.delete(source);
  newest.set(source, at);
  const [oldest] = newest.keys();
  if (newest.size > MOST_SOURCES && oldest !== undefined) newest.delete(oldest);
}
