/**
 * `npm run bench`: lifeguard, tmux and a raw read loop on the same work in the same run. Prints the machine, medians and ratios.
 *
 *   npm run bench -- [--only NAME[,NAME]] [--sessions N] [--rounds N] [--quick] [--json FILE] [--svg DIR] [--baseline FILE] [--write-baseline]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.mjs";
import { MEASURES } from "./measures/all.mjs";
import { Report, table } from "./report/report.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    sessions: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    svg: { type: "string" },
    scratch: { type: "string", default: tmpdir() },
    "write-baseline": { type: "boolean", default: false },
  },
});

const names = MEASURES.map(({ name }) => name);
const only = values.only?.split(",") ?? names;
const unknown = only.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`bench: there is no measure ${JSON.stringify(unknown)}: there are ${names.join(", ")}`);
  process.exit(2);
}

const machine = describeMachine();
console.log(
  `${machine.processor}, ${machine.cores} cores, ${machine.memory_gib} GiB, Linux ${machine.kernel}, Node ${machine.node}, ${machine.tmux || "no tmux"}, load ${machine.load.toFixed(1)}`,
);
const scratch = mkdtempSync(join(values.scratch, "lifeguard-bench-"));
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K  ${text}`);
const results = [];
try {
  for (const measure of MEASURES) {
    if (!only.includes(measure.name)) continue;
    const report = new Report(measure.name);
    const began = performance.now();
    await measure.run({
      scratch,
      report,
      progress: (text) => progress(`${measure.name}: ${text}`),
      quick: values.quick,
      rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
      sessions: values.sessions === undefined ? undefined : Number(values.sessions),
    });
    progress("");
    const result = { ...report.result(), seconds: (performance.now() - began) / 1_000, load: loadavg()[0] };
    results.push(result);
    console.log(`\n${measure.name}: ${measure.what}  [${result.seconds.toFixed(0)} s, load ${result.load.toFixed(1)}]`);
    for (const line of table(result)) console.log(`  ${line}`);
    for (const note of result.notes) console.log(`  ${note}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const run = { machine, results };
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(run, null, 2)}\n`);
