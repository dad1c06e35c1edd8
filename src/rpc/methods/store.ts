/** Methods on the store: how it is, whether it is whole, and what has been kept long enough. */
import { z } from "zod";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { count } from "../parameters.js";
import { pruneShape, storeShape, verifyShape } from "../shapes-kept.js";

const status: Method = method({
  name: "store.status",
  since: "1.1",
  summary: "How the store is: the queue in front of the disk, and every file that is damaged, of a newer version, or not ours.",
  params: z.strictObject({}),
  result: storeShape,
  handler: (_params, { supervisor }) => supervisor.keeping.storeStatus(),
});

const verify: Method = method({
  name: "store.verify",
  since: "1.1",
  summary: "Reads every byte of every file and says what it found; what is damaged is moved to quarantine. Takes as long as the disk does.",
  params: z.strictObject({}),
  result: verifyShape,
  handler: (_params, { supervisor }) => supervisor.keeping.verifyStore(),
});

const prune: Method = method({
  name: "store.prune",
  since: "1.1",
  summary:
    "Removes ended sessions and periodic checkpoints that were kept long enough, as the daemon does every hour. Never what is live, pinned, needed by a fork, or not saved yet.",
  params: z.strictObject({
    older_than_ms: count("milliseconds").describe("ended sessions of this age go; default 7 days").optional(),
    dry_run: z.boolean().describe("only say what would go").optional(),
  }),
  result: pruneShape,
  handler: ({ older_than_ms, dry_run }, { supervisor }) =>
    supervisor.keeping.pruneStore({ olderThanMs: older_than_ms, dryRun: dry_run ?? false }),
});

export const storeMethods: readonly Method[] = [status, verify, prune];
