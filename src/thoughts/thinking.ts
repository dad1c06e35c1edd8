/**
 * Which engine has thoughts, and its configuration: `config.toml` says it, until `thought.config.set` says otherwise; what that said is
 * a document of the store and counts as a whole. A document that is damaged or says nonsense is passed over, and said.
 */
import type { Clock } from "../clock.js";
import { thoughtSettings } from "../config.js";
import type { EngineStatus, ThoughtSettings, ThoughtTest } from "../thought-engine.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { CommandEngine } from "./command-engine.js";
import { quietStatus } from "./engine.js";
import type { Engine } from "./engine.js";
import { rehearse } from "./rehearsal.js";
import { RulesEngine } from "./rules-engine.js";
import type { World } from "./world.js";

export interface ThoughtConfig {
  /** 0 until it was set for the first time. */
  version: number;
  source: "config.toml" | "store";
  config: ThoughtSettings;
  /** Why what was set is not in use; null: nothing is wrong. */
  problem: string | null;
  status: EngineStatus;
}

export interface ThoughtConfigChange {
  /** The version it was read at. */
  version: number;
  /** Back to what `config.toml` says. */
  reset: boolean;
  /** On top of what is in use. */
  change: Partial<ThoughtSettings>;
}

/** What clients may ask about engines. */
export interface ThinkingApi {
  configuration(): Promise<ThoughtConfig>;
  /** Durable when it answers. @throws INVALID_PARAMS naming the first bad field, BUSY with `data.version` when it has changed meanwhile */
  configure(change: ThoughtConfigChange): Promise<ThoughtConfig>;
  /** Starts the engine once, over a made-up session, and changes nothing. @throws INVALID_PARAMS, BUSY while another one is tried */
  test(change: Partial<ThoughtSettings>, signal: AbortSignal): Promise<ThoughtTest>;
}

export interface ThinkingParts {
  /** What `config.toml` says. */
  settings: ThoughtSettings;
  documents: {
    get(name: "thought-config"): Promise<{ version: number; value: unknown; problem: string | null }>;
    put(name: "thought-config", value: unknown, version: number): Promise<{ version: number }>;
  };
  world: World;
  clock: Clock;
  log: Log;
  /** Of the engine's process. */
  env: () => Record<string, string>;
  /** Tells everybody that the configuration is not what was set. */
  announce(reason: string): void;
}

const DOCUMENT = "thought-config";
/** One after the other; a disk that hangs must not collect them. */
const CHANGES = 16;

export class Thinking implements ThinkingApi {
  readonly #p: ThinkingParts;
  #settings: ThoughtSettings;
  #source: ThoughtConfig["source"] = "config.toml";
  #problem: string | null = null;
  #engine: Engine | null = null;
  /** Engines that are being ended. */
  readonly #leaving = new Set<Promise<void>>();
  #changing: Promise<unknown> = Promise.resolve();
  #changes = 0;
  #trial: AbortController | null = null;
  #closed = false;

  constructor(parts: ThinkingParts) {
    this.#p = parts;
    this.#settings = parts.settings;
  }

  async start(): Promise<void> {
    const { documents, log, announce } = this.#p;
    const { value, problem } = await documents.get(DOCUMENT);
    this.#problem = problem;
    if (problem === null && value !== null) {
      try {
        this.#settings = checkSettings(value);
        this.#source = "store";
      } catch (error) {
        this.#problem = messageOf(error);
      }
    }
    if (this.#problem !== null) {
      this.#problem = `${this.#problem}; config.toml counts until thought.config.set says otherwise`;
      log.warn({ phase: "thought", err: this.#problem }, "the thought configuration that was set is not in use");
      announce(`thought configuration: ${this.#problem}`);
    }
    log.info({ phase: "thought", engine: this.#settings.engine, source: this.#source }, "thoughts");
    this.#begin();
  }

  get status(): EngineStatus {
    return this.#engine?.status() ?? quietStatus("none");
  }

  async configuration(): Promise<ThoughtConfig> {
    const { version } = await this.#p.documents.get(DOCUMENT);
    return { version, source: this.#source, config: this.#settings, problem: this.#problem, status: this.status };
  }

  async configure(change: ThoughtConfigChange): Promise<ThoughtConfig> {
    if (this.#changes >= CHANGES)
      throw new LifeguardError("BUSY", `${CHANGES} changes wait for the disk already: look at store.status`, { retry_after_ms: 1_000 });
    this.#changes += 1;
    const changed = this.#changing.then(() => this.#configure(change)).finally(() => (this.#changes -= 1));
    this.#changing = changed.catch(() => undefined);
    await changed;
    return await this.configuration();
  }

  async #configure({ version, reset, change }: ThoughtConfigChange): Promise<void> {
    const settings = reset ? this.#p.settings : checkSettings({ ...this.#settings, ...change });
    await this.#p.documents.put(DOCUMENT, reset ? null : settings, version);
    this.#source = reset ? "config.toml" : "store";
    this.#problem = null;
    this.#settings = settings;
    this.#begin();
  }

  async test(change: Partial<ThoughtSettings>, signal: AbortSignal): Promise<ThoughtTest> {
    const settings = checkSettings({ ...this.#settings, ...change });
    if (this.#trial !== null || this.#closed)
      throw new LifeguardError("BUSY", "an engine is being tried already: wait for its answer", { retry_after_ms: 1_000 });
    const trial = new AbortController();
    this.#trial = trial;
    const { clock, env } = this.#p;
    const trying = rehearse(settings, clock, env, AbortSignal.any([signal, trial.signal]));
    // The daemon's end waits for it as for an engine.
    const over = trying.then(() => undefined).catch(() => undefined);
    this.#leaving.add(over);
    try {
      return await trying;
    } finally {
      this.#leaving.delete(over);
      this.#trial = null;
    }
  }

  /** Resolves when no process is left. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#trial?.abort();
    this.#leave();
    await Promise.all(this.#leaving);
  }

  #begin(): void {
    this.#leave();
    if (this.#closed) return;
    this.#engine = this.#make();
    this.#engine?.start();
  }

  #make(): Engine | null {
    const { world, clock, log, env } = this.#p;
    switch (this.#settings.engine) {
      case "none":
        return null;
      case "rules":
        return new RulesEngine(world, clock, log);
      case "command":
        return new CommandEngine({ world, settings: this.#settings, clock, log, env: env() });
    }
  }

  #leave(): void {
    if (this.#engine === null) return;
    const leaving = this.#engine.close();
    this.#engine = null;
    this.#leaving.add(leaving);
    void leaving.finally(() => this.#leaving.delete(leaving));
  }
}

/** @throws INVALID_PARAMS naming the first bad field */
function checkSettings(raw: unknown): ThoughtSettings {
  const result = thoughtSettings.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.code === "unrecognized_keys" ? (issue.keys[0] ?? "") : (issue?.path.join(".") ?? "");
  throw new LifeguardError(
    "INVALID_PARAMS",
    `thought configuration: ${field === "" ? "" : `${field}: `}${issue?.message ?? "is not understood"}`,
    {
      field,
    },
  );
}
