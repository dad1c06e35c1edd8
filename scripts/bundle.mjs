/**
 * The programs of the package, dist/programs: what bin/lifeguard, the threads and the keeper run. Each start loads a few files
 * instead of four hundred, and of a dependency only what is used: loading takes half as long (docs/adr/0015).
 *
 * Packages with a binary, with a worker of their own, or that are loaded by path stay packages.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Modules that a process or a thread begins with, below src. */
const PROGRAMS = ["cli/main", "cli/hook/main", "actors/worker", "reaper/keeper/main"];
const PACKAGES = [
  /^node:/,
  "koffi",
  "node-pty",
  "piscina",
  /^@xterm\//,
  "prom-client",
  "msgpackr",
  "pino",
  /^@modelcontextprotocol\//,
  /^@bomb\.sh\//,
];

/** @param root the package's directory, with its modules compiled in dist */
export async function bundle(root) {
  const { rolldown } = await import("rolldown");
  // Beside the old ones, and in their place when all are there: a daemon may run from these.
  const directory = join(root, "dist", "programs.new");
  rmSync(directory, { recursive: true, force: true });
  const bundling = await rolldown({
    input: Object.fromEntries(PROGRAMS.map((name) => [name, join(root, "dist", `${name}.js`)])),
    platform: "node",
    external: PACKAGES,
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`the programs cannot be bundled: ${log.message}`);
    },
  });
  const { output } = await bundling.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "parts/[name].js",
  });
  await bundling.close();
  const modules = output.flatMap((part) => part.moduleIds ?? []);
  writeFileSync(join(directory, "LICENSES.txt"), licenses(modules));
  const place = join(root, "dist", "programs");
  rmSync(place, { recursive: true, force: true });
  renameSync(directory, place);
}

/** Of every package that has code in the programs: their licences ask for it. @throws Error naming one without a licence */
function licenses(modules) {
  const packages = new Set(modules.flatMap((module) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module) ?? []));
  return [...packages]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((directory) => {
      const { name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
      const file = readdirSync(directory).find((one) => /^licen[cs]e/i.test(one));
      if (file === undefined) throw new Error(`${name} has code in the programs and no licence: leave it a package (scripts/bundle.mjs)`);
      return `${name} ${version}\n\n${readFileSync(join(directory, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
