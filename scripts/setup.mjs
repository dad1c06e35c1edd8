/**
 * Makes a checkout ready and then runs one of its programs: `node scripts/setup.mjs [PROGRAM ARG…]`.
 *
 * Installs when node_modules is not what package-lock.json says, builds when dist was not made from these sources. Both are
 * judged by content, never by time: a git checkout gives every file a new one. Plain Node, because nothing is installed yet.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "src");
const dist = join(root, "dist");
const stamp = join(dist, ".built-from");
/** What decides, beside the sources, on what is built. */
const SETTINGS = ["tsconfig.json", "package-lock.json", "scripts/bundle.mjs"];

/** True when each package of the lock is there in its version; optional ones may be missing, they are for other machines. */
export function isInstalled() {
  const wanted = packagesOf(join(root, "package-lock.json"));
  const present = packagesOf(join(root, "node_modules", ".package-lock.json"));
  if (wanted === undefined) throw new Error("package-lock.json is missing or damaged: restore it from git");
  if (present === undefined) return false;
  const missing = Object.entries(wanted).some(
    ([path, { version, optional }]) => path !== "" && !optional && present[path]?.version !== version,
  );
  const foreign = Object.entries(present).some(([path, { version }]) => wanted[path]?.version !== version);
  return !missing && !foreign;
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * The compiler and the tests are devDependencies, so those come along whatever NODE_ENV says. No dependency's install script runs:
 * each that has one also carries its binaries as packages (`allowScripts` in package.json says so to npm).
 */
export function install() {
  const npm = process.env["npm_execpath"];
  const options = ["ci", "--include=dev", "--include=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
  if (npm !== undefined && basename(npm) === "npm-cli.js") run(process.execPath, [npm, ...options]);
  else run("npm", options);
}

export function isBuilt() {
  try {
    return readFileSync(stamp, "utf8") === fingerprint();
  } catch {
    return false;
  }
}

/**
 * Builds dist: modules, types, and the programs made of them. Removes what has no source any more: a stale module would still be found
 * by an import.
 */
export async function build() {
  rmSync(stamp, { force: true });
  const made = fingerprint();
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc")]);
  for (const file of filesBelow(dist)) {
    const name = relative(dist, file);
    const origin = join(source, name.replace(/\.(js|js\.map|d\.ts)$/, ".ts"));
    if (!name.startsWith("programs/") && !existsSync(origin)) rmSync(file);
  }
  // Not before: it needs what install() brings.
  const { bundle } = await import("./bundle.mjs");
  await bundle(root);
  writeFileSync(stamp, made);
}

function fingerprint() {
  const hash = createHash("sha256");
  for (const file of [...filesBelow(source), ...SETTINGS.map((file) => join(root, file))]) {
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .toSorted();
}

/** @throws Error naming the command, after its own words went to the terminal */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error !== undefined) throw new Error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${basename(command)} ${args.slice(0, 2).join(" ")} failed`);
}

/** Runs one of our programs in this one's place: same terminal, same signals, same way of ending. */
function become(program, args) {
  const child = spawn(process.execPath, [resolve(root, program), ...args], { stdio: "inherit" });
  // A Ctrl-C reaches the child from the terminal by itself, and npm sends another one here: passed on, it would count twice.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [program, ...args] = process.argv.slice(2);
  try {
    if (!isInstalled()) {
      process.stderr.write("lifeguard: installing dependencies\n");
      install();
    }
    if (!isBuilt()) {
      process.stderr.write("lifeguard: building\n");
      await build();
    }
    if (program !== undefined) become(program, args);
  } catch (error) {
    process.stderr.write(`lifeguard: ${error.message}\n`);
    process.exitCode = 1;
  }
}
