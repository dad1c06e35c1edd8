/** The screen of a session that has no actor: snapshot and spool, replayed in slices beside the thread's actors. */
import { readIndex } from "../spool/index-file.js";
import { openSpoolReader } from "../spool/spool-reader.js";
import type { RenderTask, Screen } from "./messages.js";
import { Replay, planReplay } from "./replay.js";
import { startingTerminal, storedSnapshot } from "./rebuild.js";
import { SnapshotError } from "./terminal/terminal.js";
import type { Terminal } from "./terminal/terminal.js";
import type { TurnQueue } from "./turn-queue.js";

const SLICE_BYTES = 65_536;
const silent = { reply: (): void => {}, title: (): void => {}, bell: (): void => {}, osc: (): void => {} };

/**
 * @param enter notes whose code runs, before each slice
 * @throws LifeguardError NOT_FOUND without a spool, and what reading it throws
 */
export async function renderEnded(task: RenderTask, turns: TurnQueue, enter: () => void): Promise<Screen> {
  const spool = openSpoolReader(task.directory);
  let terminal: Terminal | undefined;
  try {
    const records = readIndex(task.directory);
    const options = { historyLines: task.historyLines, mute: true };
    let plan = planReplay(storedSnapshot(task.directory), records, spool.start, task.size);
    try {
      terminal = startingTerminal(plan, options, silent);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      plan = planReplay(null, records, spool.start, task.size);
      terminal = startingTerminal(plan, options, silent);
    }
    const replay = new Replay(plan, spool, terminal);
    await slices(turns, enter, () => replay.step(SLICE_BYTES));
    enter();
    return { epoch: task.epoch, offset: spool.end, ...terminal.render(task.request) };
  } finally {
    terminal?.dispose();
    spool.close();
  }
}

async function slices(turns: TurnQueue, enter: () => void, slice: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    turns.add(() => {
      enter();
      try {
        if (slice()) return true;
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      return false;
    });
  });
}
