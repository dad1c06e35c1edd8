/** `node bench/profile.mjs FILE.cpuprofile… [--top N]`: where a thread's time went, by function, itself alone; idle time left out. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ options: { top: { type: "string", default: "25" } }, allowPositionals: true });
for (const path of positionals) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8"));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  let busy = 0;
  for (const [n, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === "(idle)") continue;
    const name = `${functionName || "(anonymous)"}  ${url === "" ? "" : `${basename(url)}:${lineNumber + 1}`}`;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[n] / 1_000);
    busy += timeDeltas[n] / 1_000;
  }
  console.log(`${basename(path)}: busy ${busy.toFixed(0)} ms`);
  for (const [name, ms] of [...self].toSorted((a, b) => b[1] - a[1]).slice(0, Number(values.top)))
    console.log(`  ${((100 * ms) / busy).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(7)} ms  ${name}`);
}
