/** What is forgotten by itself: once an hour, and when somebody asks. */
import { rm, stat } from "node:fs/promises";
import { statSync } from "node:fs";
import { join } from "node:path";
import { PERIODS } from "../bounds.js";
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { PruneReport } from "../persistence/store.js";
import type { Durably } from "./durably.js";
import type { Keeping } from "./keeping.js";
import type { Lifecycle } from "./lifecycle.js";
import type { Removal } from "./removal.js";
import type { SessionTable } from "./table.js";

export interface RetentionParts {
  config: Config;
  table: SessionTable;
  keeping: Keeping;
  removal: Removal;
  lifecycle: Pick<Lifecycle, "retire">;
  durably: Durably;
  log: Log;
}

export class Retention {
  readonly #p: RetentionParts;
  #hourly: NodeJS.Timeout | null = null;
  #eviction: NodeJS.Timeout | null = null;

  constructor(parts: RetentionParts) {
    this.#p = parts;
  }

  start(): void {
    const { table, keeping, config, log } = this.#p;
    this.#hourly ??= setInterval(() => {
      this.run({ olderThanMs: undefined, dryRun: false }).catch((error: unknown) =>
        log.warn({ phase: "prune", err: messageOf(error) }, "retention failed"),
      );
    }, PERIODS.retentionMs);
    this.#eviction ??= setInterval(() => keeping.evict(table.entries(), config.store.idle_ms), PERIODS.evictionMs);
  }

  stop(): void {
    if (this.#hourly !== null) clearInterval(this.#hourly);
    if (this.#eviction !== null) clearInterval(this.#eviction);
    this.#hourly = null;
    this.#eviction = null;
  }

  async run(request: { olderThanMs: number | undefined; dryRun: boolean }): Promise<PruneReport> {
    const { config, table, keeping, durably, log } = this.#p;
    const bound = (bytes: number): number | null => (bytes === 0 ? null : bytes);
    const report = await keeping.store.prune({
      olderThanMs: request.olderThanMs ?? config.store.exited_ms,
      sessionsKept: config.store.exited_sessions,
      periodicKept: config.store.periodic_kept,
      sessionBytes: bound(config.store.session_bytes),
      allBytes: bound(config.store.all_bytes),
      dryRun: request.dryRun,
      keep: (id) => this.#reasonToKeep(id),
      bytesOutside: (id) => spoolBytes(join(table.directory, id)),
      remove: (id, unless) => this.#remove(id, unless),
      within: (removal) => durably.within(removal, { what: "the removal of a checkpoint", meanwhile: "It goes on by itself." }),
    });
    if (request.dryRun) return report;
    if (report.removed.length > 0)
      log.info({ phase: "prune", removed: report.removed.length, bytes: report.bytes }, "retention removed what was due");
    return report;
  }

  async #remove(id: string, unless: () => string | null): Promise<boolean> {
    const { table, keeping, lifecycle, removal } = this.#p;
    const entry = table.find(id);
    if (entry === null) return await keeping.store.registry.remove(id, { unless });
    await lifecycle.retire(id);
    return await removal.remove(entry, "retention", unless);
  }

  /** Directories of sessions whose removal was cut short by a death: their tombstones are there, their spools are to go too. */
  async finishRemovals(): Promise<void> {
    const { keeping, table } = this.#p;
    for (const id of keeping.store.recovery.removals_finished) {
      const directory = join(table.directory, id);
      if (await stat(directory).catch(() => null)) await rm(directory, { recursive: true, force: true });
    }
  }

  #reasonToKeep(id: string): string | null {
    const entry = this.#p.table.find(id);
    if (entry === null) return null;
    if (entry.live) return "it is live";
    if (entry.pinned) return "it is pinned";
    return entry.dirty ? "it has not been saved yet" : null;
  }
}

function spoolBytes(directory: string): number {
  let bytes = 0;
  for (const name of ["spool", "index", "snapshot"])
    bytes += (statSync(join(directory, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  return bytes;
}
