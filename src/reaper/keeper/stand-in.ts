/**
 * Reads for a daemon that is gone, so that no agent ever blocks on a full terminal: every master without a lease, without
 * waiting, into the session's own spool with the code the actors use. No streams, no rings: nothing to hand over afterwards.
 */
import { mkdirSync } from "node:fs";
import { messageOf } from "../../errors.js";
import { EAGAIN, pollInput, readDescriptor } from "../../libc/descriptors.js";
import type { Log } from "../../log.js";
import { InflightFile } from "../../spool/inflight.js";
import { Intake } from "../../spool/intake.js";
import type { Kept } from "./kept.js";

/** One round takes at most this long, then the loop is free for frames and exits; a page from each session in turn until then. */
const ROUND_BUDGET_MS = 10;
/** A spool that could not be opened is tried again after this. Until then its session's output stays in the kernel. */
const RETRY_MS = 1_000;

export class StandIn {
  readonly #inflightPath: string;
  readonly #log: Log;
  #inflight: InflightFile | null = null;
  readonly #intakes = new Map<number, Intake>();
  readonly #notBefore = new Map<number, number>();

  constructor(inflightPath: string, log: Log) {
    this.#inflightPath = inflightPath;
    this.#log = log;
  }

  /** True when there was more than one round's worth: call again soon. */
  round(sessions: readonly Kept[]): boolean {
    const started = performance.now();
    let ready = this.#ready(sessions);
    while (ready.length > 0) {
      for (const kept of ready) this.#readPage(kept);
      if (performance.now() - started > ROUND_BUDGET_MS) return true;
      ready = this.#ready(ready);
    }
    return false;
  }

  #ready(sessions: readonly Kept[]): Kept[] {
    const open =
      this.#notBefore.size === 0 ? sessions : sessions.filter((kept) => (this.#notBefore.get(kept.session) ?? 0) <= performance.now());
    return pollInput(open.map((kept) => kept.master)).map((index) => open[index] as Kept);
  }

  #readPage(kept: Kept): void {
    try {
      const intake = this.#intake(kept);
      const n = readDescriptor(kept.master, intake.page);
      if (n > 0) {
        intake.commit(n);
        this.#notBefore.delete(kept.session);
      }
      // Ready and yet nothing to be had (EIO: nobody has the slave open): not again in this very moment.
      else this.#pause(kept, n === -EAGAIN ? 0 : RETRY_MS);
    } catch (error) {
      this.#log.error({ session: kept.session, phase: "stand-in", err: messageOf(error) }, "output cannot be stored, trying again");
      this.#pause(kept, RETRY_MS);
    }
  }

  #pause(kept: Kept, ms: number): void {
    this.#notBefore.set(kept.session, performance.now() + ms);
  }

  #intake(kept: Kept): Intake {
    let intake = this.#intakes.get(kept.session);
    if (intake === undefined) {
      this.#inflight ??= InflightFile.open(this.#inflightPath);
      // A daemon that died in the middle of a start may not have made it yet.
      mkdirSync(kept.directory, { recursive: true, mode: 0o700 });
      intake = Intake.open(kept.directory, this.#inflight.slot(kept.slot), kept.spool);
      if (intake.salvaged > 0)
        this.#log.info(
          { session: kept.session, phase: "stand-in", bytes: intake.salvaged },
          "bytes under way when the daemon died are safe",
        );
      this.#intakes.set(kept.session, intake);
    }
    return intake;
  }

  /** Somebody else reads from here on: the spool is flushed and closed. */
  end(session: number): void {
    this.#notBefore.delete(session);
    const intake = this.#intakes.get(session);
    if (intake === undefined) return;
    this.#intakes.delete(session);
    try {
      intake.close();
    } catch (error) {
      this.#log.error({ session, phase: "stand-in", err: messageOf(error) }, "a spool could not be closed");
    }
  }
}
