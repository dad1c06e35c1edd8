/** Prompts: text into an agent, with proof. */
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import type { PromptAnswer } from "../../supervisor/api.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { idempotencyKey, milliseconds, reference, state } from "../parameters.js";
import { promptShape } from "../shapes.js";

/** A day, as in session.wait. */
const LONGEST_WAIT_MS = 86_400_000;

/** What a key stands for: the delivery. That the wait after it was in vain is told again too, instead of prompting a second time. */
type Deed = { answer: PromptAnswer } | { inVain: LifeguardError };

const prompt: Method = method({
  name: "session.prompt",
  since: "1.1",
  summary:
    "Types a prompt and submits it, and says what became of it: `submitted` with evidence of it, `typed` when there is none, `queued` (with `queue`) when it waits until the session rests. Into a dialog nothing is typed: BLOCKED. Not ready: BUSY. With `wait` it answers when the session is in one of the states after the prompt's turn has begun; TIMEOUT and EXITED then carry `delivery`. The same `key` within 10 minutes prompts once.",
  params: z.strictObject({
    id: reference,
    text: z.string().describe("taken as it is but for blanks at both ends; several lines where the program takes pastes"),
    queue: z.boolean().describe("when it cannot be delivered now, keep it until the session rests; survives the daemon").optional(),
    force: z.boolean().describe("also while another client holds the pen").optional(),
    lossy: z
      .boolean()
      .describe("also where it would not arrive as it is: a terminal's one line end for CRLF, blanks that a tool makes of tabs")
      .optional(),
    key: idempotencyKey.optional(),
    wait: z
      .strictObject({
        until: z.array(state).min(1, "names at least one state").max(8),
        timeout_ms: milliseconds(LONGEST_WAIT_MS).describe("from the request on").optional(),
      })
      .optional(),
  }),
  result: promptShape,
  cancellable: true,
  handler: async ({ id, text, queue = false, force = false, lossy = false, key, wait }, { supervisor, caller, signal, host }) => {
    const session = supervisor.resolve(id, { prefix: true });
    const asked = { text, queue, force, lossy, wait: wait === undefined ? undefined : { until: wait.until, timeoutMs: wait.timeout_ms } };
    if (key === undefined) return await supervisor.prompt(session, { ...asked, signal }, caller);
    const deed = host.idempotency.once(`${caller.uid} session.prompt ${key}`, { session, ...asked }, async (): Promise<Deed> => {
      try {
        // Whoever asks again with this key waits on, also when the first connection has gone.
        return { answer: await supervisor.prompt(session, { ...asked, signal: new AbortController().signal }, caller) };
      } catch (error) {
        if (error instanceof LifeguardError && error.data["delivery"] !== undefined) return { inVain: error };
        throw error;
      }
    });
    const outcome = await Promise.race([deed, cancelled(signal)]);
    if ("inVain" in outcome) throw outcome.inVain;
    return outcome.answer;
  },
});

function cancelled(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new LifeguardError("TIMEOUT", "the wait was cancelled; the prompt goes on"));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}

export const promptMethods: readonly Method[] = [prompt];
