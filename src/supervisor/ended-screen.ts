/** The last screen of a session that has no actor: from its files, and where those do not make it, from its newest checkpoint that can. */
import type { RenderTask, Screen, ScreenRequest } from "../actors/messages.js";
import type { ActorPool } from "../actors/pool.js";
import { LifeguardError, type ErrorName } from "../errors.js";
import type { Checkpoint, Checkpoints } from "../persistence/store.js";
import type { SessionEntry } from "./entry.js";

/** Its files are not there, or cannot be read. Anything else is no reason to look for another screen. */
const NO_FILES: ReadonlySet<ErrorName> = new Set(["NOT_FOUND", "DAMAGED", "UNSUPPORTED", "UNAVAILABLE"]);

export async function endedScreen(
  entry: SessionEntry,
  request: ScreenRequest,
  parts: { pool: ActorPool; checkpoints: Pick<Checkpoints, "list" | "get">; historyLines: number },
): Promise<Screen> {
  const { pool, checkpoints, historyLines } = parts;
  const { id, directory, size, epoch, offset } = entry;
  const task: RenderTask = { id, directory, request, size, epoch, offset, historyLines, checkpoint: null };
  let best: Screen | null = null;
  let problem: unknown = null;
  try {
    const { whole, fromCheckpoint: _, ...screen } = await pool.render(task);
    if (whole) return screen;
    best = screen;
  } catch (error) {
    if (!(error instanceof LifeguardError) || !NO_FILES.has(error.name)) throw error;
    problem = error;
  }
  for await (const { checkpoint, terminal, ...from } of withTerminals(id, checkpoints)) {
    try {
      const answer = await pool.render({ ...task, checkpoint: { terminal, epoch: from.epoch, offset: from.offset } });
      const { whole: _, fromCheckpoint, ...screen } = answer;
      // The files know more than this one, and than all older ones.
      if (!fromCheckpoint) break;
      entry.recoveredFrom = "checkpoint";
      return { ...screen, checkpoint };
    } catch (error) {
      if (!(error instanceof LifeguardError) || error.name !== "DAMAGED") throw error;
    }
  }
  if (best === null) throw problem;
  return best;
}

/** Newest first. One that is damaged, or goes meanwhile, is passed over. */
async function* withTerminals(
  session: string,
  checkpoints: Pick<Checkpoints, "list" | "get">,
): AsyncGenerator<Checkpoint & { terminal: Buffer }> {
  for (const row of await checkpoints.list(session)) {
    if (row.terminal_bytes === 0) continue;
    const found = await checkpoints.get(row.checkpoint).catch((error: unknown) => {
      if (error instanceof LifeguardError && NO_FILES.has(error.name)) return null;
      throw error;
    });
    if (found !== null && found.terminal !== null) yield { ...found, terminal: found.terminal };
  }
}
