/** `npm run bench`: lifeguard, tmux and a raw read loop on the same work in the same run. Prints the machine, medians and ratios. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bareNodeMs, describeMachine } from "./machine.mjs";
import { MEASURES } from "./measures/all.mjs";
import { judged } from "./report/aims.mjs";
import { compare, writeBaseline } from "./report/baseline.mjs";
import { page } from "./report/page.mjs";
import { plot } from "./report/plot.mjs";
import { Report, columns, table } from "./report/report.mjs";
import { profileInto } from "./subjects/lifeguard.mjs";
import { inScratch } from "./subjects/running.mjs";

const BASELINE = fileURLToPath(new URL("baseline.json", import.meta.url));
const DOCS = fileURLToPath(new URL("../docs/", import.meta.url));
const PICTURES = "pictures/bench";

const names = MEASURES.map(({ name }) => name);
const HELP = `npm run bench -- [options]      lifeguard, tmux and a raw read loop on the same work in the same run: 40 to 60 minutes in all

  --only NAME[,NAME]   of ${names.join(", ")}
  --quick              less work and fewer rounds: to see that it runs, and roughly how it stands
  --sessions N         instead of the thousands of spawn, scale, rpc, checkpoint and recover
  --rounds N           instead of five
  --json FILE          what was measured, as data
  --svg DIR            and as pictures
  --docs               writes docs/benchmarks.md and its pictures; needs a run of all measures, or what --json wrote:
  --from FILE[,FILE]   measures nothing, and takes what is there
  --write-baseline     writes bench/baseline.json, which every later run is compared with
  --check              exit 3 when a figure is worse than its band of the baseline
  --profile DIR        each thread of each daemon leaves a profile there: see bench/profile.mjs
  --scratch DIR        where daemons and workloads have their files; the system's temporary directory when left out

  SIGINT ends what was started. Exit 2: an option that cannot be.
`;

const { values } = options({
  options: {
    help: { type: "boolean", default: false },
    only: { type: "string" },
    sessions: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    from: { type: "string" },
    svg: { type: "string" },
    profile: { type: "string" },
    scratch: { type: "string", default: tmpdir() },
    docs: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    "write-baseline": { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const only = values.only?.split(",") ?? names;
const unknown = only.find((name) => !names.includes(name));
if (unknown !== undefined) refuse(`there is no measure ${JSON.stringify(unknown)}: there are ${names.join(", ")}`);
for (const option of ["sessions", "rounds"])
  if (values[option] !== undefined && !(Number.isInteger(Number(values[option])) && Number(values[option]) > 0))
    refuse(`--${option} takes a whole number above 0, not ${JSON.stringify(values[option])}`);
if (values.profile !== undefined) profileInto(resolve(values.profile));

const run = values.from === undefined ? await measureAll() : joined(values.from.split(","));

const aims = judged(run.results);
if (aims.length > 0) {
  console.log("\nAgainst the aims");
  for (const line of columns(aims)) console.log(`  ${line}`);
}
const compared = compare(BASELINE, run);
if (compared !== null) {
  console.log(`\n${compared.line}`);
  for (const line of compared.worse) console.log(`  ${line}`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(run, null, 2)}\n`);
if (values.svg !== undefined) writePlots(values.svg);
if (values.docs) {
  writePlots(join(DOCS, PICTURES));
  writeFileSync(join(DOCS, "benchmarks.md"), page(run, PICTURES));
}
if (values["write-baseline"]) writeBaseline(BASELINE, run);
if (values.check && compared !== null && compared.worse.length > 0) process.exitCode = 3;

async function measureAll() {
  const machine = describeMachine();
  console.log(
    `${machine.processor}, ${machine.cores} cores, ${machine.memory_gib} GiB, Linux ${machine.kernel}, Node ${machine.node}, ${machine.tmux || "no tmux"}, load ${machine.load.toFixed(1)}`,
  );
  const results = [];
  await inScratch(values.scratch, async (scratch) => {
    for (const measure of MEASURES) if (only.includes(measure.name)) results.push(await measureOne(measure, scratch));
  });
  return { machine, quick: values.quick, results };
}

/** Runs of some measures each, as one; of a measure that is in several, the last. */
function joined(files) {
  const runs = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
  const latest = new Map(runs.flatMap((one) => one.results.map((result) => [result.measure, result])));
  const results = [...latest.values()].toSorted((a, b) => names.indexOf(a.measure) - names.indexOf(b.measure));
  return { machine: runs[0].machine, quick: runs.every(({ quick }) => quick), results };
}

async function measureOne(measure, scratch) {
  const report = new Report(measure.name);
  const speedBefore = await bareNodeMs();
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
  for (const left of readdirSync(scratch)) rmSync(join(scratch, left), { recursive: true, force: true });
  const short = [values.quick ? "--quick" : "", values.sessions === undefined ? "" : `--sessions ${values.sessions}`].filter(Boolean);
  if (short.length > 0) report.note(`Less work than in a full run: ${short.join(" ")}.`);
  const result = { ...report.result(), what: measure.what, seconds: (performance.now() - began) / 1_000, load: loadavg()[0] };
  result.date = new Date().toISOString().slice(0, 10);
  result.bare_node_ms = (speedBefore + (await bareNodeMs())) / 2;
  const around = `${result.seconds.toFixed(0)} s, load ${result.load.toFixed(1)}, a bare Node starts in ${result.bare_node_ms.toFixed(0)} ms`;
  console.log(`\n${measure.name}: ${measure.what}  [${around}]`);
  for (const line of table(result)) console.log(`  ${line}`);
  for (const note of result.notes) console.log(`  ${note}`);
  return result;
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K  ${text}`);
  else if (text !== "") process.stderr.write(`  ${text}\n`);
}

function writePlots(directory) {
  mkdirSync(directory, { recursive: true });
  for (const result of run.results) writeFileSync(join(directory, `${result.measure}.svg`), plot(result, result.what));
}

function options(known) {
  try {
    return parseArgs(known);
  } catch (error) {
    return refuse(`${error.message.split(". ", 1)[0]}: see --help`);
  }
}

function refuse(problem) {
  console.error(`bench: ${problem}`);
  process.exit(2);
}
