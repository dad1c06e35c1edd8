/** Parameters and sentences that several tools share. */
import { z } from "zod";
import { SESSION_STATES } from "../../session.js";
import type { SessionState, SessionSummary } from "../../session.js";
import { briefAge } from "../duration.js";
import { exitWords } from "../session-table.js";

/** Clients of MCP give up after 60 s unless they are told of progress, and not all listen to that. */
export const WAIT_MS = 50_000;
/** A day, as the daemon has it. */
const LONGEST_WAIT_MS = 86_400_000;

export const session: z.ZodString = z
  .string()
  .min(1)
  .describe("the session: its id (sess_7), its name, or an unambiguous beginning of either");
export const exactSession: z.ZodString = z.string().min(1).describe("the session: its whole id (sess_7) or name");
export const until: z.ZodArray<z.ZodEnum<{ [State in SessionState]: State }>> = z.array(z.enum(SESSION_STATES)).min(1);
export const timeout: z.ZodOptional<z.ZodNumber> = z
  .number()
  .int()
  .min(0)
  .max(LONGEST_WAIT_MS)
  .describe(`milliseconds; default ${WAIT_MS}. When they are over the tool fails with TIMEOUT, and may be called again`)
  .optional();

/** `sess_3 (api): busy for 4m, confidence high (title says it works)`. */
export function describeSession({ id, name, state, state_since, evidence, exit }: SessionSummary): string {
  const about = `${id} (${name}): ${state} for ${briefAge(Date.now() - state_since)}`;
  if (state === "exited" && exit !== null) return `${about}, ${exitWords(exit)}`;
  return `${about}, confidence ${evidence.confidence} (${evidence.rule}${evidence.detail === "" ? "" : `: ${evidence.detail}`})`;
}
