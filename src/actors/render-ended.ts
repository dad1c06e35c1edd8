/**
 * The screen of a session that has no actor: snapshot and spool, replayed in slices beside the thread's actors. Where they are gone
 * or do not reach back, the terminal of a checkpoint takes the snapshot's place, and the answer says so.
 */
import { LifeguardError } from "../errors.js";
import { readIndex } from "../spool/index-file.js";
import type { IndexRecord } from "../spool/index-file.js";
import { openSpoolReader } from "../spool/spool-reader.js";
import type { SpoolReader } from "../spool/spool-reader.js";
import type { EndedScreen, RenderTask } from "./messages.js";
import { Replay, planReplay } from "./replay.js";
import type { ReplayPlan } from "./replay.js";
import { startingTerminal, storedSnapshot } from "./rebuild.js";
import { SILENT, SnapshotError, Terminal } from "./terminal/terminal.js";
import type { TurnQueue } from "./turn-queue.js";

const SLICE_BYTES = 65_536;

type EndedTask = Omit<RenderTask, "checkpoint"> & { checkpoint: { terminal: Buffer; epoch: number; offset: number } | null };

/**
 * @param enter notes whose code runs, before each slice
 * @throws LifeguardError NOT_FOUND without a spool, and what reading it throws, unless the task has a checkpoint; DAMAGED when its
 * terminal cannot be read either
 */
export async function renderEnded(given: RenderTask, turns: TurnQueue, enter: () => void): Promise<EndedScreen> {
  const { checkpoint } = given;
  // A clone of a Buffer is none.
  const task: EndedTask = {
    ...given,
    checkpoint: checkpoint === null ? null : { ...checkpoint, terminal: Buffer.from(checkpoint.terminal) },
  };
  let spool: SpoolReader;
  try {
    spool = openSpoolReader(task.directory);
  } catch (error) {
    if (task.checkpoint === null) throw error;
    enter();
    return renderCheckpoint(task, task.checkpoint);
  }
  let terminal: Terminal | undefined;
  try {
    const kept = task.checkpoint;
    enter();
    // It knows more than the files do: they end before it.
    if (kept !== null && kept.epoch === task.epoch && kept.offset > spool.end) return renderCheckpoint(task, kept);
    const options = { historyLines: task.historyLines, mute: true };
    const plans = plansOf(task, spool, readIndex(task.directory));
    let plan = plans.next().value;
    for (; terminal === undefined;) {
      try {
        terminal = startingTerminal(plan, options, SILENT);
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        plan = plans.next().value;
      }
    }
    const replay = new Replay(plan, spool, terminal);
    await slices(turns, enter, () => replay.step(SLICE_BYTES));
    enter();
    return {
      epoch: task.epoch,
      offset: spool.end,
      ...terminal.render(task.request),
      whole: replay.lostBytes === 0 && spool.end >= task.offset,
      fromCheckpoint: kept !== null && plan.snapshot?.bytes === kept.terminal,
    };
  } finally {
    terminal?.dispose();
    spool.close();
  }
}

/** Where to begin, best first; the last one has no snapshot and always serves. */
function* plansOf(task: EndedTask, spool: SpoolReader, records: readonly IndexRecord[]): Generator<ReplayPlan, ReplayPlan, undefined> {
  const { checkpoint } = task;
  const own = storedSnapshot(task.directory);
  const kept = checkpoint === null || checkpoint.epoch !== task.epoch ? null : { offset: checkpoint.offset, bytes: checkpoint.terminal };
  for (const snapshot of [own, kept].toSorted((a, b) => (b?.offset ?? -1) - (a?.offset ?? -1)))
    if (snapshot !== null) yield planReplay(snapshot, records, spool.start, task.size);
  return planReplay(null, records, spool.start, task.size);
}

/** A terminal without what came after it. */
function renderCheckpoint(task: EndedTask, checkpoint: NonNullable<EndedTask["checkpoint"]>): EndedScreen {
  let terminal: Terminal;
  try {
    terminal = Terminal.fromSnapshot(checkpoint.terminal, { historyLines: task.historyLines, mute: true }, SILENT);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new LifeguardError(
      "DAMAGED",
      `the terminal in the checkpoint of ${task.id} cannot be read: ${error.message}`,
      {},
      { cause: error },
    );
  }
  try {
    return {
      epoch: checkpoint.epoch,
      offset: checkpoint.offset,
      ...terminal.render(task.request),
      whole: checkpoint.epoch === task.epoch && checkpoint.offset >= task.offset,
      fromCheckpoint: true,
    };
  } finally {
    terminal.dispose();
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
