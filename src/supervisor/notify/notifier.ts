/**
 * Tells a person what happens to sessions, by a command of theirs and by the desktop. Follows the event log; nothing waits for it, and
 * whatever a command does, it ends in a line of the log.
 *
 * event → notice (notices.ts) → backlog (what may be told now) → runs (a process group each)
 */
import { dirname } from "node:path";
import { isInteractiveShell } from "../../actors/foreground.js";
import { plain } from "../../actors/shell-marks.js";
import type { Clock } from "../../clock.js";
import type { Config } from "../../config.js";
import { messageOf } from "../../errors.js";
import type { Log } from "../../log.js";
import { NoticeReader, type Notice } from "../../notices.js";
import { baseEnvironment, resolveCommand } from "../environment.js";
import type { EventLog } from "../events.js";
import type { SessionTable } from "../table.js";
import { Backlog, type Waiting } from "./backlog.js";
import { findDesktop, type Desktop } from "./desktop.js";
import { Run, type RunRequest } from "./run.js";

/** Others that are named in one notice. Beyond, only their number is. */
const NAMED = 100;
const MAX_WORDS = 4_096;
const MAX_TITLE = 200;
const MAX_BODY = 500;

export interface NotifierParts {
  config: Pick<Config, "notify" | "paths">;
  table: SessionTable;
  events: EventLog;
  clock: Clock;
  log: Log;
}

export class Notifier {
  readonly #p: NotifierParts;
  #backlog: Backlog;
  readonly #running = new Set<Run>();
  #desktop: Desktop | null = null;
  #end: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pumping = false;
  #saidHeldBack = false;

  constructor(parts: NotifierParts) {
    this.#p = parts;
    this.#backlog = this.#newBacklog();
  }

  #newBacklog(): Backlog {
    const { notify } = this.#p.config;
    return new Backlog({ sessionEveryMs: notify.session_every_ms, perMinute: notify.per_minute, atOnce: notify.at_once });
  }

  /** The settings are others. What runs goes on; what waited to be told is forgotten. */
  reconfigured(): void {
    this.#end?.();
    this.#end = null;
    this.#desktop = null;
    this.#backlog = this.#newBacklog();
    this.start();
  }

  /** From now on: what happened while no daemon ran is not told. */
  start(): void {
    const { config, events, log } = this.#p;
    const { notify } = config;
    if (notify.desktop) this.#findDesktop();
    if (notify.command.length > 0) this.#checkCommand();
    if (notify.command.length === 0 && this.#desktop === null) return;
    const reader = new NoticeReader(notify.finished_after_ms, (id) => {
      const entry = this.#p.table.find(id);
      return entry === null ? null : { startedAt: entry.startedAt, shell: isInteractiveShell(entry.spec.command, entry.spec.args) };
    });
    // Sessions that work already.
    for (const entry of this.#p.table.entries())
      if (entry.state === "busy")
        reader.read({ kind: "session.state", session: entry.id, at: entry.stateSince, from: "starting", to: "busy" });
    const subscription = events.subscribe(
      null,
      { kinds: ["session.state", "session.exited", "session.removed"] },
      // Called from the middle of whatever appends: nothing but a note is made here, and no error gets out.
      (event) => {
        try {
          const notice = reader.read(event);
          if (event.session === undefined) return;
          if (event.kind === "session.removed") this.#backlog.forget(event.session);
          else if (notice !== null && notify.on.includes(notice) && this.#wanted(event.session)) {
            this.#backlog.add(event.session, notice, event.at);
            this.#pumpSoon();
          }
        } catch (error) {
          log.error({ session: event.session, phase: "notify", err: messageOf(error) }, "an event could not be told");
        }
      },
    );
    this.#end = () => subscription.end();
  }

  /** Ends what runs, at once. Does not wait: nothing of it matters to anybody any more. */
  stop(): void {
    this.#end?.();
    this.#end = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const run of this.#running) run.kill();
  }

  #findDesktop(): void {
    const found = findDesktop(process.env);
    if ("missing" in found) this.#p.log.warn({ phase: "notify" }, `notify.desktop shows nothing: ${found.missing}`);
    else this.#desktop = found;
  }

  #checkCommand(): void {
    const { request } = this.#command();
    try {
      resolveCommand(request.command, request.env as Record<string, string>, request.cwd);
    } catch (error) {
      this.#p.log.warn({ phase: "notify", err: messageOf(error) }, "notify.command is not there; it is tried at every notice all the same");
    }
  }

  /** With `when = "unwatched"`: whoever is attached sees it anyway. */
  #wanted(session: string): boolean {
    if (this.#p.config.notify.when === "always") return true;
    return (this.#p.table.find(session)?.fanout.size ?? 0) === 0;
  }

  #pumpSoon(): void {
    if (this.#pumping || this.#end === null) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#end === null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (;;) {
      const next = this.#backlog.next(this.#p.clock.monotonic(), this.#running.size);
      if ("waitMs" in next) {
        this.#sayHeldBack();
        if (next.waitMs !== null) this.#timer = setTimeout(() => this.#pump(), next.waitMs).unref();
        return;
      }
      const still = next.tell.filter((waiting) => this.#holds(waiting));
      const [first, ...more] = still;
      if (first !== undefined) this.#tell(first, more);
    }
  }

  /** What waited may be over: nobody is called to a dialog that has been answered. */
  #holds({ session, notice }: Waiting): boolean {
    const entry = this.#p.table.find(session);
    return entry !== null && (notice !== "attention" || entry.state === "attention");
  }

  #sayHeldBack(): void {
    const { heldBack } = this.#backlog;
    if (heldBack && !this.#saidHeldBack) {
      const { per_minute, at_once } = this.#p.config.notify;
      this.#p.log.warn(
        { phase: "notify" },
        `notices wait: notify.per_minute (${per_minute}) or notify.at_once (${at_once}) is reached; they will be told together`,
      );
    }
    this.#saidHeldBack = heldBack;
  }

  #tell(first: Waiting, more: Waiting[]): void {
    const { config, table, clock, log } = this.#p;
    const entry = table.find(first.session);
    if (entry === null) return;
    const session = entry.summary(clock.now());
    const { command } = config.notify;
    if (command.length > 0) {
      const { request } = this.#command();
      const said = {
        event: first.notice,
        at: first.at,
        session,
        coalesced: first.coalesced,
        more: more.slice(0, NAMED).map(({ session: id, notice, at }) => ({
          event: notice,
          at,
          id,
          name: table.find(id)?.spec.name ?? id,
        })),
        more_count: more.length,
      };
      this.#run({ ...request, input: `${JSON.stringify(printable(said))}\n` }, first, "notify.command");
    }
    if (this.#desktop !== null) {
      const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
      const title = plain(`${session.name}: ${TITLES[first.notice]}${others}`, MAX_TITLE);
      const body = plain(session.evidence.detail, MAX_BODY);
      const { request } = this.#command();
      const desktop = { ...request, command: this.#desktop.command, args: this.#desktop.args(first.notice, title, body) };
      this.#run({ ...desktop, env: process.env }, first, "notify.desktop");
    }
    log.debug({ session: first.session, phase: "notify", notice: first.notice, coalesced: first.coalesced, more: more.length }, "told");
  }

  #run(request: RunRequest, { session, notice }: Waiting, what: string): void {
    const run = new Run(request);
    this.#running.add(run);
    void run.over.then((trouble) => {
      this.#running.delete(run);
      if (this.#end === null) return;
      if (trouble !== null) this.#p.log.warn({ session, phase: "notify", notice, err: plain(trouble, MAX_BODY * 2) }, `${what} failed`);
      this.#pump();
    });
  }

  #command(): { request: RunRequest & { env: NodeJS.ProcessEnv } } {
    const { notify, paths } = this.#p.config;
    const [command = "", ...args] = notify.command;
    // Nothing that would make it look as if it ran inside a session; the socket, so that it can call back.
    const env = { ...baseEnvironment("daemon", {}), LIFEGUARD_SOCKET: paths.socket };
    return { request: { command, args, cwd: dirname(paths.config), env, input: "", timeoutMs: notify.timeout_ms } };
  }
}

const TITLES: Record<Notice, string> = { attention: "waits for you", failed: "has failed", finished: "has finished" };

/** The same value with every text on one printable line: a script may put it into a terminal, a table, a bubble. */
function printable<T>(value: T): T {
  if (typeof value === "string") return plain(value, MAX_WORDS) as T;
  if (Array.isArray(value)) return value.map((element: unknown) => printable(element)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, printable(field as unknown)])) as T;
}
