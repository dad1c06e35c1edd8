/**
 * Faults on purpose, for the project's own tests: only in a daemon started with LIFEGUARD_FAULTS=1, whose threads refuse them
 * otherwise too. A test writes `<runtime>/fault` and sends SIGUSR2; nothing of it is part of the public contract.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ActorPool } from "../actors/pool.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";

const faultSchema = z.object({ id: z.string(), kind: z.enum(["throw", "heap", "hang", "throw-in-actor"]) });

/** @returns stops listening */
export function listenForFaults(env: NodeJS.ProcessEnv, runtime: string, pool: ActorPool, log: Log): () => void {
  if (env["LIFEGUARD_FAULTS"] !== "1") return () => undefined;
  const make = (): void => {
    const { id, kind } = faultSchema.parse(JSON.parse(readFileSync(join(runtime, "fault"), "utf8")));
    pool
      .call(id, "fault", kind)
      .catch((error: unknown) => log.warn({ session: id, phase: "fault", err: messageOf(error) }, "no fault was made"));
  };
  process.on("SIGUSR2", make);
  return () => void process.off("SIGUSR2", make);
}
