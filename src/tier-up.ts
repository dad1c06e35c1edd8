/** When V8 optimizes what runs. It does so in threads of its own, which take the processors from ours. */
import { setFlagsFromString } from "node:v8";

/** Bytes of bytecode that a function runs before it is optimized: V8's own (flag-definitions.h of 11.3), and that of a start. */
const BUDGET_BYTES = 67_584;
const START_BYTES = 1_200_000;

/**
 * A start over a thousand sessions runs everything a little: a quarter of its processor time went to optimizing what was hardly run again.
 * From V8 12 on (Node 22) calls are counted instead, a start gains nothing by it, and there is no such flag.
 * @returns ends it: what runs now runs for days
 */
export function optimizeLater(): () => void {
  if (Number.parseInt(process.versions.v8, 10) >= 12) return () => undefined;
  const allow = (bytes: number): void => setFlagsFromString(`--interrupt-budget=${bytes}`);
  allow(START_BYTES);
  return () => allow(BUDGET_BYTES);
}
