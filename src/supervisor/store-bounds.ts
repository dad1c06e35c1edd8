/** The store's bounds as config.toml has them; what is not there is {@link DEFAULT_BOUNDS}. */
import type { Settings } from "../config.js";
import type { StoreBounds } from "../persistence/file-store.js";

export function configuredBounds(store: Settings["store"]): Partial<StoreBounds> {
  return {
    periodicKept: store.periodic_kept,
    queueItems: store.queue_items,
    queueBytes: store.queue_bytes,
    concurrency: store.writes_at_once,
    stalledMs: store.stalled_ms,
    journalEntryBytes: store.journal_entry_bytes,
    contextBytes: store.context_bytes,
  };
}
