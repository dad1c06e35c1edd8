/**
 * What was asked of a store and what it acknowledged, as plain lines that survive the process that asked; and what must hold of
 * the store that is opened after it: acknowledged is there, refused is not, what was under way is whole or not at all.
 */
import type { Store } from "../../src/persistence/store.js";
import { record } from "./stored.js";
import { ask as askAs, contextOf } from "./store-steps.mjs";
import type { Answer, Line, Step } from "./store-steps.mjs";

export type { Answer, Line, Step } from "./store-steps.mjs";

/** {@link askAs} with sessions like those of other tests. */
export function ask(store: Store, n: number, step: Step, write: (line: Line) => void): Promise<Answer> {
  return askAs(store, n, step, write, record("sess_1"));
}

type Outcome = { acked: true; value: Answer } | { acked: false; refused: boolean };

/**
 * Problems, in words; none is right.
 * @param options.crashed the asking process ended in the middle: what was refused shortly before may be there
 */
export async function problemsOf(
  store: Store,
  lines: readonly Line[],
  options: { crashed: boolean; powerCut: boolean; kept: number },
): Promise<string[]> {
  const problems: string[] = [];
  const steps = new Map<number, Step>();
  const outcomes = new Map<number, Outcome>();
  for (const line of lines) {
    if ("begin" in line) steps.set(line.n, line.begin);
    else if ("ack" in line) outcomes.set(line.n, { acked: true, value: line.ack });
    else outcomes.set(line.n, { acked: false, refused: true });
  }
  const all = [...steps].map(
    ([n, step]) =>
      ({ n, step, outcome: outcomes.get(n) ?? { acked: false, refused: false } }) satisfies { n: number; step: Step; outcome: Outcome },
  );
  const of = <K extends Step["do"]>(kind: K) =>
    all.flatMap((each) => (each.step.do === kind ? [{ ...each, step: each.step as Extract<Step, { do: K }> }] : []));

  const removed = new Map(of("remove").map(({ step, outcome }) => [step.id, outcome]));
  const dropped = new Map(of("drop").map(({ step, outcome }) => [step.checkpoint, outcome]));
  for (const [id, outcome] of removed)
    if (outcome.acked && store.registry.has(id)) problems.push(`${id} is there although its removal was acknowledged`);
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
      if (offset < acked || !puts.some(({ step }) => step.offset === offset))
        problems.push(`${id} has offset ${offset}, ${acked} was acknowledged`);
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
        // One that was replaced while it waited has the answer of the newer one.
        if (kind !== "manual" && acked.some((other) => other.outcome.acked && other.outcome.value === uuid && other.step.tag > step.tag))
          continue;
        try {
          const found = await store.checkpoints.get(uuid);
          if (drop?.acked === true) problems.push(`checkpoint ${uuid} is there although its removal was acknowledged`);
          if (found.state !== step.tag || found.context?.equals(contextOf(step.tag, step.bytes)) !== true)
            problems.push(`checkpoint ${uuid} has other contents`);
        } catch (error) {
          if (drop === undefined) problems.push(`checkpoint ${uuid} (${kind} ${step.tag}) of ${id} was acknowledged: ${String(error)}`);
        }
      }
    }
  }

  const journals = new Set([...of("append").map(({ step }) => step.id), ...of("compact").map(({ step }) => step.id)]);
  for (const id of journals) {
    if (gone(id) || (!id.startsWith("jrnl_") && !store.registry.has(id))) continue;
    if (!all.some(({ step, outcome }) => "id" in step && step.id === id && outcome.acked)) continue;
    const { entries, damage } = await store.journals.read(id, { limit: 100_000 });
    const tags = new Map(
      entries.flatMap((entry) => (entry.kind === "message" ? [[(entry.data as { tag: number }).tag, entry.seq] as const] : [])),
    );
    if (tags.size !== entries.filter(({ kind }) => kind === "message").length) problems.push(`${id} has an entry twice`);
    const seqs = entries.map(({ seq }) => seq);
    let last = 0;
    for (const { step, outcome } of of("append").filter((each) => each.step.id === id)) {
      if (outcome.acked) {
        last = Math.max(last, Number(outcome.value));
        if (tags.get(step.tag) !== outcome.value)
          problems.push(`${id} entry ${String(outcome.value)} (tag ${step.tag}) was acknowledged, found at ${String(tags.get(step.tag))}`);
      } else if (outcome.refused && !options.crashed && tags.has(step.tag))
        problems.push(`${id} has tag ${step.tag} although it was refused`);
    }
    for (const { step, outcome } of of("compact").filter((each) => each.step.id === id)) {
      if (!outcome.acked) continue;
      last = Math.max(last, Number(outcome.value));
      const entry = entries.find(({ seq }) => seq === outcome.value);
      if (entry?.kind !== "compact" || (entry.data as { archive: string }).archive !== `sum ${step.tag}`)
        problems.push(`${id} boundary ${String(outcome.value)} was acknowledged and is not there`);
      const { boundary } = await store.journals.get(id);
      if (boundary === null || boundary.seq < Number(outcome.value))
        problems.push(`${id} replays from ${JSON.stringify(boundary)}, ${String(outcome.value)} was acknowledged`);
    }
    if (!options.powerCut && seqs.some((seq, index) => seq !== index + 1)) problems.push(`${id} has holes in its numbers`);
    for (const each of damage) {
      const torn = each.reason.includes("torn tail");
      if (!torn && (!options.powerCut || (each.seq ?? Number.POSITIVE_INFINITY) <= last))
        problems.push(`${id} is damaged at ${each.offset}: ${each.reason}`);
    }
  }

  for (const id of new Set(of("publish").map(({ step }) => step.id))) {
    if (gone(id)) continue;
    const acked = Math.max(
      -1,
      ...of("publish").flatMap(({ step, outcome }) => (step.id === id && outcome.acked && outcome.value === true ? [step.seq] : [])),
    );
    const seen = store.thoughts.get(id)?.watermark?.emission_seq ?? -1;
    if (seen < acked) problems.push(`${id} has thought ${seen}, ${acked} was acknowledged`);
  }

  for (const name of new Set(of("archive").map(({ step }) => step.name))) {
    const puts = of("archive").filter(({ step }) => step.name === name);
    const acked = puts.filter(({ outcome }) => outcome.acked).map(({ step }) => step.tag);
    if (acked.length === 0) continue;
    const text = await store.archives.get(name).catch(String);
    if (!puts.some(({ step }) => step.tag >= Math.max(...acked) && text === `text ${step.tag}`))
      problems.push(`archive ${name} is ${text}, text ${Math.max(...acked)} was acknowledged`);
  }

  const merged = new Set(of("merge").map(({ step }) => step.fork));
  for (const { step, outcome } of of("fork")) {
    if (!outcome.acked) continue;
    const found = store.forks.list().find(({ fork }) => fork === outcome.value);
    if (found === undefined) problems.push(`fork ${String(outcome.value)} was acknowledged and is not there`);
    else if (
      found.status === "active" &&
      merged.has(found.fork) &&
      of("merge").some((each) => each.step.fork === found.fork && each.outcome.acked)
    )
      problems.push(`fork ${found.fork} is active`);
    else if (found.checkpoint !== step.checkpoint) problems.push(`fork ${found.fork} is of another checkpoint`);
  }
  for (const { outcome } of of("create")) {
    if (!outcome.acked) continue;
    await store.journals
      .get(String(outcome.value))
      .catch((error: unknown) => problems.push(`${String(outcome.value)} was acknowledged: ${String(error)}`));
  }
  for (const damage of store.recovery.damaged) if (damage.kind !== "journal") problems.push(`${damage.path} is damaged: ${damage.reason}`);
  return problems;
}
