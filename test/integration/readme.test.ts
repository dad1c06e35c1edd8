/**
 * README as it stands: each command of its tour is run in order, in one shell, and must print what is shown there (times, pids and
 * other numbers of the moment aside) and succeed, unless the next line asks for `$?`. What it says about verbs and settings is
 * held against the code, and the tests that docs/semantics.md names are there.
 */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { afterAll, describe, expect, test } from "vitest";
import { VERBS } from "../../src/cli/verbs.js";
import { loadConfig } from "../../src/config.js";
import { checkLeaks } from "../support/leaks.js";
import { killEach, processesNaming } from "../support/processes.js";
import { waitUntil, within } from "../support/wait.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const DOCS = [
  "README.md",
  "CHANGELOG.md",
  "HACKING.md",
  "SECURITY.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));

checkLeaks();

/** A command of a console block, with the lines shown below it, or a file to be made. */
type Step = { command: string; shown: string } | { file: string; text: string };

function tour(): Step[] {
  const section = README.slice(README.indexOf("## Two minutes"), README.indexOf("## What survives what"));
  const steps: Step[] = [];
  for (const [, language, body = ""] of section.matchAll(/^```(console|python)\n([\s\S]*?)^```$/gm)) {
    if (language === "python") {
      steps.push({ file: /^# (\S+)$/m.exec(body)?.[1] ?? "", text: body });
      continue;
    }
    let last: { command: string; shown: string } | undefined;
    for (const line of body.trimEnd().split("\n")) {
      // `$ seq 3` on a session's own screen is output: only what follows a screen may be a command of ours again.
      const command = /^\$ ((?:lifeguard|echo|kill|sock=|python3)[\s\S]*)$/.exec(line)?.[1];
      if (command !== undefined) steps.push((last = { command, shown: "" }));
      else if (last !== undefined) last.shown += `${line}\n`;
    }
  }
  return steps;
}

/** What differs from run to run, the same in both texts; checkpoints that the daemon makes when it is time are left out. */
function settled(text: string): string {
  return (
    text
      .replaceAll("\r\n", "\n")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "BOOT")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
      .replaceAll(/\b\d+(?:ms|s|m)\b(?! +\/)/g, "AGE")
      // How deep a session rests: after 30 s, which the tour may take.
      .replaceAll(/(○ idle\??) z{1,3}(?= )/g, "$1")
      .replaceAll(/\bpid +\d+/g, "pid N")
      .replaceAll(/"(seq|offset)": ?\d+/g, '"$1":N')
      .replaceAll(/\/\S*\/lifeguard\.sock/g, "SOCKET")
      .replaceAll(/\d+ process(?:es)?/g, "PROCESSES")
      .replaceAll(/\b\d+ (writes|were replaced)/g, "N $1")
      .replaceAll(/^\S+ +sess_\d+ +\d+ +periodic .*\n/gm, "")
      .replaceAll(/(sess_\d+) +\d+ +manual/g, "$1 GENERATION manual")
      .replaceAll(/\b\d+(?:\.\d+)? (?:B|KiB)/g, "SIZE")
      .replaceAll(/ +/g, " ")
      .replaceAll(/ $/gm, "")
      .trimEnd()
  );
}

const MARK = "\u001e";
const LOOKS = /^lifeguard (?:ls|screen|show|logs|store|prune .*--dry-run)|^python3/;
/** Programs that a machine may lack: what needs them is passed over, and said. */
const NEEDS: [RegExp, string][] = [
  [/\bnc\b/, "nc"],
  [/^python3\b|clear; echo from python/, "python3"],
];

/** One bash for the whole tour, so that variables and `$?` are as for the person who types. */
class Shell {
  readonly home = mkdtempSync(join(tmpdir(), "lifeguard-readme-"));
  readonly cwd = join(this.home, "user", "shop");
  readonly #bash: ChildProcessWithoutNullStreams;
  readonly #env: Record<string, string>;
  #output = "";

  constructor() {
    const bin = join(this.home, "bin");
    for (const directory of [this.cwd, bin]) mkdirSync(directory, { recursive: true });
    symlinkSync(join(ROOT, "bin", "lifeguard"), join(bin, "lifeguard"));
    symlinkSync(process.execPath, join(bin, "node"));
    this.#env = {
      PATH: `${bin}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
      HOME: join(this.home, "user"),
      SHELL: "/bin/bash",
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      TERM: "xterm-256color",
      LIFEGUARD_HOME: this.home,
    };
    this.#bash = spawn("bash", ["--norc"], { cwd: this.cwd, env: this.#env, stdio: ["pipe", "pipe", "pipe"] });
    this.#bash.stdin.write("exec 2>&1; status=0\n");
    this.#bash.stdout.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
  }

  async has(program: string): Promise<boolean> {
    return (await this.run(`command -v ${program} >/dev/null`)).code === 0;
  }

  async run(command: string): Promise<{ code: number; output: string }> {
    this.#output = "";
    this.#bash.stdin.write(`(exit $status); ${command}\nstatus=$?; printf '${MARK}%s${MARK}' $status\n`);
    const end = await waitUntil(`the end of ${command}`, () => new RegExp(`${MARK}(\\d+)${MARK}`).exec(this.#output), 60_000);
    return { code: Number(end[1]), output: this.#output.slice(0, end.index) };
  }

  /** In a terminal of its own, with one key pressed when it shows `until`; `provoke` is what makes it, done again until it does. */
  async interact(
    command: string,
    until: RegExp,
    key: string,
    provoke?: () => Promise<void>,
  ): Promise<{ code: number | null; output: string }> {
    const child = spawn("script", ["-qefc", `stty cols 110 rows 30; ${command}`, "/dev/null"], {
      cwd: this.cwd,
      env: this.#env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exit = once(child, "exit") as Promise<[number | null]>;
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    await waitUntil(`${String(until)} from ${command}`, async () => {
      if (until.test(output)) return true;
      await provoke?.();
      return until.test(output);
    });
    child.stdin.write(key);
    const [code] = await within(`${command} to end`, exit);
    child.stdin.end();
    return { code, output };
  }

  async end(): Promise<void> {
    const exit = once(this.#bash, "exit");
    this.#bash.stdin.end();
    await within("bash to end", exit);
    await waitUntil("everything of the tour to end", () => {
      const left = processesNaming(this.home);
      killEach(left.map(({ pid }) => pid));
      return left.length === 0;
    });
    rmSync(this.home, { recursive: true, force: true });
  }
}

describe("the tour", () => {
  const shell = new Shell();
  afterAll(() => shell.end());

  test("prints what README shows", { timeout: 180_000 }, async () => {
    const steps = tour();
    expect(steps.length).toBeGreaterThan(25);
    const lacking: string[] = [];
    for (const [, program] of NEEDS) if (!(await shell.has(program))) lacking.push(program);
    if (lacking.length > 0) console.log(`  · passed over in README's tour, not installed: ${lacking.join(", ")}`);
    for (const [index, step] of steps.entries()) {
      if ("file" in step) {
        writeFileSync(join(shell.cwd, step.file), step.text);
        continue;
      }
      const { command, shown } = step;
      if (NEEDS.some(([pattern, program]) => pattern.test(command + shown) && lacking.includes(program))) continue;
      if (shown.includes("from python") && lacking.includes("python3")) continue;
      if (/^lifeguard (?:attach|events|top)\b/.test(command)) {
        await interactive(command, shown);
        continue;
      }
      let { code, output } = await shell.run(command);
      // A person types slower than this: what only looks may look again until it is there.
      if (LOOKS.test(command) && shown !== "")
        await waitUntil(`README's output of ${command}`, async () => {
          if (settled(output) === settled(shown)) return true;
          ({ code, output } = await shell.run(command));
          return false;
        }).catch(() => undefined);
      expect({ command, output: settled(output) }).toEqual({ command, output: settled(shown) });
      const next = steps[index + 1];
      if (next === undefined || !("command" in next) || next.command !== "echo $?") expect({ command, code }).toEqual({ command, code: 0 });
    }
    expect(existsSync(join(shell.cwd, "web.svg"))).toBe(true);
    const logs = ["daemon.log", "keeper.log"].map((name) => readFileSync(join(shell.home, name), "utf8")).join("");
    expect(logs).toContain("process ended");
    for (const secret of ["seq 3", "sleep 2", "step 1", "PS1="]) expect(logs).not.toContain(secret);
  });

  async function interactive(command: string, shown: string): Promise<void> {
    if (command.startsWith("lifeguard attach")) {
      const { code, output } = await shell.interact(command, /\$ seq 3/, "\u001c");
      expect(code).toBe(0);
      expect(output.trimEnd().endsWith(shown.trim())).toBe(true);
    } else if (command.startsWith("lifeguard top")) {
      expect((await shell.interact(command, /web[\s\S]*[?] help/, "q")).code).toBe(0);
    } else {
      const work = async (): Promise<void> => {
        await shell.run("lifeguard wait web --until idle --timeout 20s && lifeguard send web --enter 'sleep 2'");
        await shell.run("lifeguard wait web --until busy --timeout 20s");
      };
      const { output } = await shell.interact(command, /"detail":"sleep"/, "\u0003", work);
      const documented = JSON.parse(shown.split("\n")[0] ?? "") as object;
      const first = JSON.parse(output.split("\r\n").find((line) => line.includes('"sleep"')) ?? "{}") as object;
      expect(Object.keys(first)).toEqual(Object.keys(documented));
      expect(first).toMatchObject({ kind: "session.state", from: "idle", to: "busy", evidence: { rule: "program_in_front" } });
      // What follows in the tour begins at the prompt again.
      await shell.run("lifeguard wait web --until idle --timeout 20s");
    }
  }
});

describe("what the pages say", () => {
  test("every verb they name is there, and README's groups of verbs are whole", () => {
    const known = new Set(Object.keys(VERBS).flatMap((verb) => [verb, verb.split(" ")[0]]));
    for (const page of DOCS) {
      const text = readFileSync(join(ROOT, page), "utf8");
      for (const [, verb] of text.matchAll(/(?:`|^\$ |\$\(|\| )(?:\.\/bin\/)?lifeguard ([a-z]+(?:-[a-z]+)*)/gm))
        expect([page, verb, known.has(verb)]).toEqual([page, verb, true]);
    }
    for (const verb of Object.keys(VERBS)) expect(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")).toContain(`\`${verb}\``);
  });

  test("README's configuration is the defaults, all of them", () => {
    const text = /^```toml\n([\s\S]*?)^```$/m.exec(README)?.[1] ?? "";
    const missing = join(tmpdir(), "lifeguard-no-such-config.toml");
    const { paths: _, ...defaults } = loadConfig({ config: missing, runtime: "", state: "", socket: "" });
    expect(parse(text)).toEqual(defaults);
  });

  test("links lead somewhere", () => {
    for (const page of DOCS) {
      const text = readFileSync(join(ROOT, page), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)#:]+)\)/g))
        expect([page, target, existsSync(join(ROOT, page, "..", target))]).toEqual([page, target, true]);
    }
  });

  test("every promise of docs/semantics.md names tests that are there", () => {
    const page = readFileSync(join(ROOT, "docs/semantics.md"), "utf8");
    const named = [...page.matchAll(/\[((?:unit|contract|integration|fault)\/[a-z0-9/-]+)\]/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(20);
    for (const name of named) expect([name, existsSync(join(ROOT, "test", `${name}.test.ts`))]).toEqual([name, true]);
  });

  test("pictures are small and show no path of the machine they were made on", () => {
    const names = readdirSync(join(ROOT, "docs/pictures"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".svg"));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      const picture = readFileSync(join(ROOT, "docs/pictures", name), "utf8");
      expect(picture.length).toBeLessThan(150_000);
      expect(picture).not.toMatch(/\/(?:tmp|root|home|work)\b/);
    }
  });
});
