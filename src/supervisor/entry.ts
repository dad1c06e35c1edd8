/** One session as the supervisor knows it. The table owns it; the lifecycle moves it on; everybody else reads. */
import { join } from "node:path";
import { exitStep, type ExitStep, type Phase } from "../reaper/exit-steps.js";
import type {
  Evidence,
  Health,
  Isolation,
  RestState,
  SessionExit,
  SessionSpec,
  SessionState,
  SessionSummary,
  TerminalSize,
} from "../session.js";
import type { DeliveryWatch } from "./deliveries.js";
import type { Fanout } from "./fanout.js";
import { PromptQueue } from "./prompt-queue.js";
import type { SessionRecord } from "./record.js";
import { restState, type RestWord } from "./rest.js";
import type { TmuxPlace } from "./tmux/place.js";
import { Waits } from "./waits.js";

export interface Pen {
  watch: string;
  connection: number;
  /** Tells the holder that `writer` has taken it. */
  lost(writer: string): void;
}

export class SessionEntry {
  readonly id: string;
  readonly number: number;
  readonly directory: string;
  readonly createdAt: number;
  readonly waits: Waits = new Waits();
  readonly prompts: PromptQueue = new PromptQueue();
  /** Prompts under way in its actor, by the delivery's name. */
  readonly deliveries: Map<string, DeliveryWatch> = new Map();
  /** Its name is the table's to change, which finds it by it. */
  readonly spec: Omit<SessionSpec, "name"> & Readonly<Pick<SessionSpec, "name">>;

  phase: Phase = "launching";
  /** The in-flight slot while there is an actor, or bytes of one to salvage. */
  slot: number | null = null;
  /** The main thread's own copy of the pty master. */
  master: number | null = null;
  /** The tmux session it is, or was; null: it has a terminal of its own. */
  tmux: TmuxPlace | null = null;
  /** Settles when the present actor is ready; replaced when its thread is lost; null while the session has none. */
  actor: Promise<void> | null = null;
  /** Settles when the actor that is being stopped has closed its files. */
  stopping: Promise<void> | null = null;
  /** Where its actor runs, and whether a terminal follows the bytes: as asked for, until the loss policy says otherwise. */
  placement: { isolation: Isolation; terminal: boolean };
  fanout!: Fanout;
  pen: Pen | null = null;
  readonly answering: Set<string> = new Set();
  killing = false;
  kill: Promise<{ processes: number }> | null = null;
  restart: Promise<void> | null = null;
  retirement: Promise<void> | null = null;
  backoff: NodeJS.Timeout | null = null;
  /** Times of past restarts: monotonic for the policy, and ms since 1970 for the record. */
  restartHistory: number[] = [];
  restartTimes: number[] = [];
  /** While it waits to be started again: when. Ms since 1970. */
  restartDueAt: number | null = null;
  /** Resolves each time the process's end has been dealt with; replaced at the next start. */
  end: { promise: Promise<void>; resolve(): void } = deferred();

  state: SessionState = "starting";
  stateSince: number;
  evidence: Evidence;
  pid: number | null = null;
  size: TerminalSize;
  startedAt: number | null = null;
  lastActivityAt: number;
  exit: SessionExit | null = null;
  title = "";
  cwd: string;
  /** The tool in front, by its profile's name. */
  tool: string | null;
  contextLimit: number | null = null;
  repo: SessionSummary["repo"] = null;
  currentCommand: string | null = null;
  epoch = 1;
  offset = 0;
  restarts = 0;
  health: Health = "ok";
  unresponsive = false;
  recoveredFrom: SessionSummary["recovered_from"] = null;
  conversationId: string | null = null;
  tokenCount: number | null = null;
  model: string | null = null;
  lastSkill: string | null = null;
  /** Of this conversation, as the tool says it; null: what the profile says. */
  ownContextLimit: number | null = null;
  /** Path of the tool's own record of the conversation. */
  transcript: string | null = null;
  /** The conversation that this process was started to go on with, until it says that it does. */
  resumed: string | null = null;
  pinned = false;
  /** The checkpoint it was last restored or forked from. */
  parentCheckpoint: string | null = null;
  thought: SessionSummary["thought"] = null;
  restWord: RestWord | null = null;
  /** Something has changed since it was last saved. */
  dirty = true;
  /** Saves of it that are not on the disk yet. */
  saving = 0;
  lastCheckpointAt: number | null = null;
  removed = false;
  /** Settles when the exit's checkpoint has the terminal: the actor stays until then. */
  lastScreen: Promise<unknown> = Promise.resolve();
  /** The environment has left memory; the registry has it (see Keeping.wake). */
  asleep = false;

  constructor(number: number, id: string, spec: SessionSpec, sessions: string, now: number, createdAt: number) {
    this.number = number;
    this.id = id;
    this.spec = spec;
    this.directory = join(sessions, id);
    this.createdAt = createdAt;
    this.stateSince = now;
    this.lastActivityAt = now;
    this.cwd = spec.cwd;
    this.tool = spec.tool;
    this.placement = { isolation: spec.isolation, terminal: true };
    this.size = { cols: spec.cols, rows: spec.rows };
    this.evidence = { source: "supervisor", rule: "created", confidence: "high", at: now, detail: "the process is being started" };
  }

  /**
   * Has a process, or gets one by itself: in restart back-off its name is taken and it can be killed. One whose end is known and only
   * waits for the reaper is not live.
   */
  get live(): boolean {
    return this.phase !== "ended" && this.phase !== "retiring";
  }

  /** Takes a step of the exit table. @returns false when it means nothing in this phase */
  move(step: ExitStep): boolean {
    const phase = exitStep(this.phase, step);
    if (phase === null) return false;
    this.phase = phase;
    return true;
  }

  /** What is known of the last conversation is not so of another. */
  inConversation(id: string | null): void {
    if (id === this.conversationId) return;
    this.conversationId = id;
    this.transcript = null;
    this.tokenCount = null;
    this.model = null;
    this.lastSkill = null;
    this.ownContextLimit = null;
  }

  record(): SessionRecord {
    return {
      version: 1,
      id: this.id,
      createdAt: this.createdAt,
      startedAt: this.startedAt ?? this.createdAt,
      epoch: this.epoch,
      restarts: this.restarts,
      killing: this.killing,
      spec: { ...this.spec, cols: this.size.cols, rows: this.size.rows },
    };
  }

  rest(now: number): RestState {
    return restState(this.state, this.stateSince, now, this.restWord);
  }

  summary(now: number): SessionSummary {
    const { spec } = this;
    return {
      id: this.id,
      name: spec.name,
      labels: spec.labels,
      tool: this.tool,
      command: spec.command,
      args: spec.args,
      cwd: this.cwd,
      // 0: of a tmux session that tmux has not told about yet.
      pid: this.pid === 0 ? null : this.pid,
      cols: this.size.cols,
      rows: this.size.rows,
      created_at: this.createdAt,
      started_at: this.startedAt,
      last_activity_at: this.lastActivityAt,
      state: this.state,
      state_since: this.stateSince,
      evidence: this.evidence,
      rest_state: this.rest(now),
      exit: this.exit,
      title: this.title,
      current_command: this.currentCommand,
      conversation_id: this.conversationId,
      thought: this.thought,
      last_skill: this.lastSkill,
      repo: this.repo,
      prompt_delivery: this.prompts.word,
      token_count: this.tokenCount,
      context_limit: this.ownContextLimit ?? this.contextLimit,
      model: this.model,
      epoch: this.epoch,
      offset: this.offset,
      watchers: this.fanout.size,
      writer: this.pen?.watch ?? null,
      backend: spec.backend,
      tmux: this.tmux === null ? null : { name: this.tmux.name, socket: this.tmux.socket, session: this.tmux.session },
      health: this.unresponsive ? "unresponsive" : this.health,
      restarts: this.restarts,
      pinned: this.pinned,
      dirty: this.dirty || this.saving > 0,
      last_checkpoint_at: this.lastCheckpointAt,
      recovered_from: this.recoveredFrom,
    };
  }
}

export function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
