/**
 * What was asked of a store and what it acknowledged, as plain lines that survive the process that asked; and what must hold of
 * the store that is opened after it: acknowledged is there, refused is not, what was under way is whole or not at all.
 */
import { createHash } from "node:crypto";
import type { Store } from "../../src/persistence/store.js";
import { checkpoint, record } from "./stored.js";

export type Step =
  | { do: "put"; id: string; offset: number }
  | { do: "save"; id: string; kind: "manual" | "periodic" | "exit"; tag: number; bytes: number }
  | { do: "drop"; checkpoint: string; of: string }
  | { do: "append"; id: string; tag: number; bytes: number }
  | { do: "compact"; id: string; tag: number }
  | { do: "publish"; id: string; seq: number }
  | { do: "archive"; name: string; tag: number }
  | { do: "fork"; id: string; checkpoint: string }
  | { do: "merge"; fork: string }
  | { do: "create"; agent: string }
  | { do: "remove"; id: string };

export type Line = { n: number; begin: Step } | { n: number; ack: string | number | boolean | null } | { n: number; refused: string };

/** Contents that can be made again from a number: half of it packs well, half does not. */
export function contextOf(tag: number, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0, block = 0; length < bytes; block++) {
    const part = block % 2 === 0 ? createHash("sha512").update(`${tag} ${block}`).digest() : Buffer.alloc(64, String(tag));
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

/** Does a step; the answer is what is written down for it. */
export async function take(store: Store, step: Step): Promise<string | number | boolean | null> {
  switch (step.do) {
    case "put":
      await store.registry.put(record(step.id, { offset: step.offset }));
      return null;
    case "save":
      return (await store.checkpoints.save(checkpoint(step.id, { kind: step.kind, offset: step.tag, state: step.tag, context: contextOf(step.tag, step.bytes) }))).checkpoint;
    case "drop":
      return await store.checkpoints.remove(step.checkpoint);
    case "append":
      return (await store.journals.append(step.id, { kind: "message", data: { tag: step.tag, fill: "x".repeat(step.bytes) } })).seq;
    case "compact":
      return (await store.journals.compact(step.id, { archive: `sum ${step.tag}` })).seq;
    case "publish": {
      const published = store.thoughts.publish(step.id, { text: `t ${step.seq}`, stream_instance_id: "s", emission_seq: step.seq });
      if (!published.accepted) return false;
      await published.durable;
      return true;
    }
    case "archive":
      await store.archives.put(step.name, `text ${step.tag}`);
      return null;
    case "fork":
      return (await store.forks.create({ checkpoint: step.checkpoint, session: step.id, forked_session: "sess_99" })).fork;
    case "merge":
      return (await store.forks.update(step.fork, "merged")).status;
    case "create":
      return (await store.journals.create({ agent: step.agent, created_by: "ledger" })).id;
    case "remove":
      return await store.registry.remove(step.id);
  }
}

/** Asks and writes down; a refusal is written down too. */
export async function ask(store: Store, n: number, step: Step, write: (line: Line) => void): Promise<string | number | boolean | null> {
  write({ n, begin: step });
  try {
    const ack = await take(store, step);
    write({ n, ack });
    return ack;
  } catch (error) {
    write({ n, refused: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    return null;
  }
}

type Outcome = { acked: true; value: string | number | boolean | null } | { acked: false; refused: boolean };

/**
 * Problems, in words; none is right.
 * @param options.crashed the asking process ended in the middle: what was refused shortly before may be there
 */
export async function problemsOf(store: Store, lines: readonly Line[], options: { crashed: boolean; powerCut: boolean; kept: number }): Promise<string[]> {
  const problems: string[] = [];
  const steps = new Map<number, Step>();
  const outcomes = new Map<number, Outcome>();
  for (const line of lines) {
    if ("begin" in line) steps.set(line.n, line.begin);
    else if ("ack" in line) outcomes.set(line.n, { acked: true, value: line.ack });
    else outcomes.set(line.n, { acked: false, refused: true });
  }
  const all = [...steps].map(([n, step]) => ({ n, step, outcome: outcomes.get(n) ?? { acked: false, refused: false } }) satisfies { n: number; step: Step; outcome: Outcome });
  const of = <K extends Step["do"]>(kind: K) => all.flatMap((each) => (each.step.do === kind ? [{ ...each, step: each.step as Extract<Step, { do: K }> }] : []));

  const removed = new Map(of("remove").map(({ step, outcome }) => [step.id, outcome]));
  const dropped = new Map(of("drop").map(({ step, outcome }) => [step.checkpoint, outcome]));
  for (const [id, outcome] of removed) if (outcome.acked && store.registry.has(id)) problems.push(`${id} is there although its removal was acknowledged`);
  const gone = (id: string): boolean => {
    const removal = removed.get(id);
    return removal !== undefined && (removal.acked || !store.registry.has(id));
  };

  for (const id of new Set(of("put").map(({ step }) => step.id))) {
    if (gone(id)) continue;
    const puts = of("put").filter(({ step }) => step.id === id);
    const acked = Math.max(-1, ...puts.filter(({ outcome }) => outcome.acked).map(({ step }) => step.offset));
    if (acked < 0) continue;
    try {
      const { offset } = await store.registry.get(id);
      if (offset < acked || !puts.some(({ step }) => step.offset === offset)) problems.push(`${id} has offset ${offset}, ${acked} was acknowledged`);
    } catch (error) {
      problems.push(`${id} was put and is not there: ${String(error)}`);
    }
  }

  for (const id of new Set(of("save").map(({ step }) => step.id))) {
    if (gone(id)) continue;
    const saves = of("save").filter(({ step }) => step.id === id);
    for (const kind of ["manual", "periodic", "exit"] as const) {
      const acked = saves.filter(({ step, outcome }) => step.kind === kind && outcome.acked);
      // Older automatic ones go; one more than was acknowledged may have come after them.
      const due = kind === "manual" ? acked : acked.slice(-Math.max(1, options.kept - 1));
      for (const { step, outcome } of due) {
        const uuid = outcome.acked ? String(outcome.value) : "";
        const drop = dropped.get(uuid);
        try {
          const found = await store.checkpoints.get(uuid);
          if (drop?.acked === true) problems.push(`checkpoint ${uuid} is there although its removal was acknowledged`);
          if (found.state !== step.tag || found.context?.equals(contextOf(step.tag, step.bytes)) !== true) problems.push(`checkpoint ${uuid} has other contents`);
        } catch (error) {
          const coalesced = kind !== "manual" && saves.some((other) => other.outcome.acked && other.outcome.value === uuid && other.step.tag > step.tag);
          if (drop === undefined && !coalesced) problems.push(`checkpoint ${uuid} (${kind} ${step.tag}) of ${id} was acknowledged: ${String(error)}`);
        }
      }
    }
  }

  const journals = new Set([...of("append").map(({ step }) => step.id), ...of("compact").map(({ step }) => step.id)]);
  for (const id of journals) {
    if (gone(id) || (!id.startsWith("jrnl_") && !store.registry.has(id))) continue;
    if (!all.some(({ step, outcome }) => "id" in step && step.id === id && outcome.acked)) continue;
    const { entries, damage } = await store.journals.read(id, { limit: 100_000 });
    const tags = new Map(entries.flatMap((entry) => (entry.kind === "message" ? [[(entry.data as { tag: number }).tag, entry.seq] as const] : [])));
    if (tags.size !== entries.filter(({ kind }) => kind === "message").length) problems.push(`${id} has an entry twice`);
    const seqs = entries.map(({ seq }) => seq);
    let last = 0;
    for (const { step, outcome } of of("append").filter((each) => each.step.id === id)) {
      if (outcome.acked) {
        last = Math.max(last, Number(outcome.value));
        if (tags.get(step.tag) !== outcome.value) problems.push(`${id} entry ${String(outcome.value)} (tag ${step.tag}) was acknowledged, found at ${String(tags.get(step.tag))}`);
      } else if (outcome.refused && !options.crashed && tags.has(step.tag)) problems.push(`${id} has tag ${step.tag} although it was refused`);
    }
    for (const { step, outcome } of of("compact").filter((each) => each.step.id === id)) {
      if (!outcome.acked) continue;
      last = Math.max(last, Number(outcome.value));
      const entry = entries.find(({ seq }) => seq === outcome.value);
      if (entry?.kind !== "compact" || (entry.data as { archive: string }).archive !== `sum ${step.tag}`) problems.push(`${id} boundary ${String(outcome.value)} was acknowledged and is not there`);
      const { boundary } = await store.journals.get(id);
      if (boundary === null || boundary.seq < Number(outcome.value)) problems.push(`${id} replays from ${JSON.stringify(boundary)}, ${String(outcome.value)} was acknowledged`);
    }
    if (!options.powerCut && seqs.some((seq, index) => seq !== index + 1)) problems.push(`${id} has holes in its numbers`);
    for (const each of damage) {
      const torn = each.reason.includes("torn tail");
      if (!torn && (!options.powerCut || (each.seq ?? Number.POSITIVE_INFINITY) <= last)) problems.push(`${id} is damaged at ${each.offset}: ${each.reason}`);
    }
  }

  for (const id of new Set(of("publish").map(({ step }) => step.id))) {
    if (gone(id)) continue;
    const acked = Math.max(-1, ...of("publish").flatMap(({ step, outcome }) => (step.id === id && outcome.acked && outcome.value === true ? [step.seq] : [])));
    const seen = store.thoughts.get(id)?.watermark?.emission_seq ?? -1;
    if (seen < acked) problems.push(`${id} has thought ${seen}, ${acked} was acknowledged`);
  }

  for (const name of new Set(of("archive").map(({ step }) => step.name))) {
    const puts = of("archive").filter(({ step }) => step.name === name);
    const acked = puts.filter(({ outcome }) => outcome.acked).map(({ step }) => step.tag);
    if (acked.length === 0) continue;
    const text = await store.archives.get(name).catch(String);
    if (!puts.some(({ step }) => step.tag >= Math.max(...acked) && text === `text ${step.tag}`)) problems.push(`archive ${name} is ${text}, text ${Math.max(...acked)} was acknowledged`);
  }

  const merged = new Set(of("merge").map(({ step }) => step.fork));
  for (const { step, outcome } of of("fork")) {
    if (!outcome.acked) continue;
    const found = store.forks.list().find(({ fork }) => fork === outcome.value);
    if (found === undefined) problems.push(`fork ${String(outcome.value)} was acknowledged and is not there`);
    else if (found.status === "active" && merged.has(found.fork) && of("merge").some((each) => each.step.fork === found.fork && each.outcome.acked)) problems.push(`fork ${found.fork} is active`);
    else if (found.checkpoint !== step.checkpoint) problems.push(`fork ${found.fork} is of another checkpoint`);
  }
  for (const { outcome } of of("create")) {
    if (!outcome.acked) continue;
    await store.journals.get(String(outcome.value)).catch((error: unknown) => problems.push(`${String(outcome.value)} was acknowledged: ${String(error)}`));
  }
  for (const damage of store.recovery.damaged) if (damage.kind !== "journal") problems.push(`${damage.path} is damaged: ${damage.reason}`);
  return problems;
}
