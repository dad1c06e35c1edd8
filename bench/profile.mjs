/**
 * `node bench/profile.mjs FILE.cpuprofile… [--top N] [--total]`: where a thread's time went, by function: itself alone, and with all it
 * called. Sorted by the first, with --total by the second. Idle time is left out.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { top: { type: "string", default: "25" }, total: { type: "boolean", default: false } },
  allowPositionals: true,
});
for (const path of positionals) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8"));
  const byId = new Map(nodes.map((node) => [node.id, { ...node, own: 0 }]));
  for (const [n, id] of samples.entries()) byId.get(id).own += timeDeltas[n] / 1_000;
  const found = new Map();
  let busy = 0;
  /** @returns the time below and in this node; a function that is on the stack already is not counted twice */
  const walk = (node, stack) => {
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === "(idle)") return 0;
    const name = `${functionName || "(anonymous)"}  ${url === "" ? "" : `${basename(url)}:${lineNumber + 1}`}`;
    const again = stack.has(name);
    stack.add(name);
    let total = node.own;
    for (const child of node.children ?? []) total += walk(byId.get(child), stack);
    if (!again) stack.delete(name);
    const entry = found.get(name) ?? { own: 0, total: 0 };
    found.set(name, entry);
    entry.own += node.own;
    if (!again) entry.total += total;
    busy += node.own;
    return total;
  };
  walk(byId.get(nodes[0].id), new Set());
  console.log(`${basename(path)}: busy ${busy.toFixed(0)} ms; itself, in all`);
  const order = values.total ? "total" : "own";
  for (const [name, { own, total }] of [...found].toSorted((a, b) => b[1][order] - a[1][order]).slice(0, Number(values.top)))
    console.log(
      `  ${own.toFixed(0).padStart(7)} ${total.toFixed(0).padStart(7)} ms  ${((100 * own) / busy).toFixed(1).padStart(5)} %  ${name}`,
    );
}
