import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What has been started and not ended yet: a run that fails or is interrupted must leave nothing behind. */
export const running = new Set();

/** Does `work` in a directory of its own below `parent`; ended, failed or interrupted, nothing of it is left. */
export async function inScratch(parent, work) {
  const scratch = mkdtempSync(join(parent, "lg-bench-"));
  const cleanUp = async () => {
    for (const subject of running)
      await subject.end().catch((error) => console.error(`bench: ${subject.name} could not be ended: ${error.message}`));
    rmSync(scratch, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void cleanUp().then(() => process.exit(130)));
  try {
    return await work(scratch);
  } finally {
    await cleanUp();
  }
}
