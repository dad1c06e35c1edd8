/**
 * `lifeguard shell-integration`, sourced by the real shells through a real daemon: what people type, what the daemon is told. Where a
 * shell's own habits (traps, hooks, options, prompts of others) are set before ours, they must go on working.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, EventStreamItem } from "../../src/rpc/client.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { waitForScreen, waitUntil, within } from "../support/wait.js";

const root = mkdtempSync(join(tmpdir(), "lifeguard-shells-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type ShellName = "bash" | "zsh" | "fish";

interface CommandTold {
  command: string | null;
  exit: number | null;
  duration_ms: number | null;
}

let daemon: TestDaemon;
let client: Client;
let homes = 0;
const bin = join(root, "bin");

beforeAll(async () => {
  mkdirSync(bin);
  symlinkSync(fileURLToPath(new URL("../../bin/lifeguard", import.meta.url)), join(bin, "lifeguard"));
  symlinkSync(process.execPath, join(bin, "node"));
  daemon = await startDaemon({ config: "[session]\nerror_linger_ms = 400\n" });
  client = await daemon.client();
}, 60_000);

const SOURCE: Record<ShellName, string> = {
  bash: 'eval "$(lifeguard shell-integration bash)"',
  zsh: 'eval "$(lifeguard shell-integration zsh)"',
  fish: "lifeguard shell-integration fish | source",
};

/** A shell in a session, with start-up files of the test's own. */
class Typed {
  readonly id: string;
  readonly home: string;
  readonly #events: AsyncIterator<EventStreamItem>;

  private constructor(id: string, home: string, events: AsyncIterator<EventStreamItem>) {
    this.id = id;
    this.home = home;
    this.#events = events;
  }

  static async start(shell: ShellName, options: { before?: string; after?: string; env?: Record<string, string> } = {}): Promise<Typed> {
    const home = join(root, `home${++homes}`);
    mkdirSync(join(home, ".config", "fish"), { recursive: true });
    const rc = `${options.before ?? ""}\n${SOURCE[shell]}\n${options.after ?? ""}\n`;
    writeFileSync(join(home, shell === "fish" ? ".config/fish/config.fish" : `.${shell}rc`), rc);
    const { id } = await client.call("session.create", {
      command: shell,
      args: [],
      cwd: home,
      env_base: "none",
      env: {
        HOME: home,
        PATH: `${bin}:/usr/bin:/bin`,
        LANG: "C.UTF-8",
        PS1: "ready> ",
        ZDOTDIR: home,
        ...options.env,
      },
      rows: 30,
      cols: 100,
    });
    const stream = client.events({ kinds: ["session.command"], session: id });
    await stream.ready;
    const typed = new Typed(id, home, stream[Symbol.asyncIterator]());
    await typed.atPrompt();
    return typed;
  }

  /** The shell says that it waits: its own A, not a guess from the screen. */
  async atPrompt(): Promise<void> {
    try {
      await waitUntil("the shell's own word that it waits", async () => {
        const { state, inputs } = await client.call("session.explain", { id: this.id });
        return state === "idle" && inputs.shell_phase !== null && inputs.shell_phase !== "C";
      });
    } catch (error) {
      throw await this.#withScreen(error);
    }
  }

  /** What it shows and what is made of it belong to every failure. */
  async #withScreen(error: unknown): Promise<Error> {
    const { text } = await client.call("session.screen", { id: this.id, format: "text" });
    const why = await client.call("session.explain", { id: this.id });
    return new Error(`${String(error)}; it shows:\n${(text ?? "").trim()}\n${JSON.stringify(why)}`, { cause: error });
  }

  async type(text: string): Promise<void> {
    await client.call("session.input", { id: this.id, data: text });
  }

  /** The next command that has ended. */
  async told(): Promise<CommandTold> {
    const next = await within("session.command", this.#events.next()).catch(async (error: unknown) => {
      throw await this.#withScreen(error);
    });
    if (next.done === true) throw new Error("events ended");
    const { command, exit, duration_ms } = next.value as unknown as CommandTold;
    return { command, exit, duration_ms };
  }

  /** Types a line, and answers with what is said of it. */
  async run(line: string): Promise<CommandTold> {
    await this.atPrompt();
    await this.type(`${line}\r`);
    return await this.told();
  }

  async end(): Promise<void> {
    await client.call("session.remove", { id: this.id, force: true });
  }
}

const ENTER = "\r";

/** A shell that is missing is named in the report, and not tried. */
function ofShell(shell: ShellName, what: string, tests: () => void): void {
  const missing = !["/usr/bin", "/bin"].some((directory) => existsSync(join(directory, shell)));
  describe(missing ? `${what} (not tried: ${shell} is not installed)` : what, { concurrent: true, skip: missing }, tests);
}

for (const shell of ["bash", "zsh", "fish"] as const)
  ofShell(shell, shell, () => {
    test("each command once, with text, status and duration; error shows; nothing for empty lines and Ctrl-C", async () => {
      const typed = await Typed.start(shell);
      expect(await typed.run("true")).toMatchObject({ command: "true", exit: 0 });
      const slow = await typed.run("sleep 1");
      expect(slow).toMatchObject({ command: "sleep 1", exit: 0 });
      expect(slow.duration_ms).toBeGreaterThanOrEqual(500);
      // Nothing has run: nothing is told, and the failure of long ago is not told again.
      const failed = client.call("session.wait", { id: typed.id, until: ["error"], timeout_ms: 10_000 });
      expect(await typed.run("sh -c 'exit 3'")).toMatchObject({ command: "sh -c 'exit 3'", exit: 3 });
      expect(await failed).toMatchObject({
        evidence: { source: "osc133", rule: "command_failed", detail: "sh -c 'exit 3' exited with 3" },
      });
      await typed.atPrompt();
      await typed.type(ENTER);
      await typed.type(ENTER);
      // What follows at once would be flushed with it by the terminal: the new prompt is waited for.
      await typed.type("half a li");
      await waitForScreen(client, typed.id, /half a li/);
      await typed.type("\u0003");
      await waitForScreen(client, typed.id, /half a li.*\n.*[#%>]\s*$/);
      expect(await typed.run("printf 'x y' '%s' # ä漢")).toMatchObject({ command: "printf 'x y' '%s' # ä漢", exit: 0 });
      // Interrupted while it runs.
      await typed.atPrompt();
      await typed.type("sleep 1000\r");
      await client.call("session.wait", { id: typed.id, until: ["busy"], timeout_ms: 10_000 });
      await waitUntil("sleep in front", async () => (await client.call("session.get", { id: typed.id })).current_command === "sleep");
      await typed.type("\u0003");
      expect(await typed.told()).toMatchObject({ command: "sleep 1000", exit: 130 });
      // A background job's end says itself at a prompt, and is no command's end.
      expect(await typed.run("sleep 0.05 &")).toMatchObject({ command: "sleep 0.05 &", ...(shell === "fish" ? {} : { exit: 0 }) });
      await typed.atPrompt();
      await typed.type(ENTER);
      expect(await typed.run("true")).toMatchObject({ command: "true", exit: 0 });
      await typed.end();
    });

    test("newlines, subshells, a shell in the shell, directories", async () => {
      const typed = await Typed.start(shell);
      const lines = shell === "fish" ? "for i in 1 2\recho $i\rend" : "for i in 1 2; do\recho $i\rdone";
      const loop = await typed.run(lines);
      expect(loop).toMatchObject({ exit: 0 });
      expect(loop.command).toMatch(/^for i in 1 2.*echo \$i.*(?:done|end)$/);
      if (shell !== "fish") expect(await typed.run("(exit 4)")).toMatchObject({ command: "(exit 4)", exit: 4 });
      // The inner shell's commands are its own, and the outer one's goes on until it has ended.
      await typed.atPrompt();
      await typed.type(`${shell}\r`);
      await waitUntil(
        "the inner shell in front",
        async () => (await client.call("session.get", { id: typed.id })).current_command === shell,
      );
      expect(await typed.run("false")).toMatchObject({ command: "false", exit: 1 });
      await typed.atPrompt();
      await typed.type("exit 5\r");
      if (shell === "fish") expect(await typed.told()).toMatchObject({ command: "exit 5", exit: 5 });
      expect(await typed.told()).toMatchObject({ command: shell, exit: 5 });
      const place = join(typed.home, "a b%;ä漢'");
      mkdirSync(place);
      expect(await typed.run(`cd ${shell === "fish" ? '"a b%;ä漢\'"' : '"a b%;ä漢\'"'}`)).toMatchObject({ exit: 0 });
      await waitUntil("the directory", async () => (await client.call("session.get", { id: typed.id })).cwd === place);
      await typed.end();
    });

    test("where it is asked for, it works outside a session too", async () => {
      const typed = await Typed.start(shell);
      await typed.atPrompt();
      await typed.type(`env -u LIFEGUARD_SESSION LIFEGUARD_SHELL_INTEGRATION=1 ${shell}\r`);
      await waitUntil(
        "the inner shell in front",
        async () => (await client.call("session.get", { id: typed.id })).current_command === shell,
      );
      expect(await typed.run("false")).toMatchObject({ command: "false", exit: 1 });
      await typed.end();
    });

    test("outside a session, in a script and read twice it does nothing", async () => {
      const typed = await Typed.start(shell, { after: SOURCE[shell] });
      expect(await typed.run("true")).toMatchObject({ command: "true" });
      expect(await typed.run("false")).toMatchObject({ command: "false", exit: 1 });
      // In this one the variable is not set; in the next nobody types.
      const quiet = `env -u LIFEGUARD_SESSION ${shell} -i -c '${SOURCE[shell].replaceAll("'", "")}; set' 2>/dev/null | grep -c ^__lifeguard_; true`;
      expect(await typed.run(quiet)).toMatchObject({ exit: 0 });
      expect(await typed.run(`${shell} -c '${SOURCE[shell]}; set' | grep -c ^__lifeguard_; true`)).toMatchObject({ exit: 0 });
      await waitForScreen(client, typed.id, /^0\n(?:.*\n)*?.*^0\n/m);
      await typed.end();
    });
  });

ofShell("bash", "what others do in bash", () => {
  test("PROMPT_COMMAND, PS0, a prompt that is set anew each time, and a DEBUG trap go on", async () => {
    const typed = await Typed.start("bash", {
      before: `seen=; PROMPT_COMMAND='seen=$?; PS1="\\\\n[$seen]\\\\nready> "; false'; PS0='zero '; trap 'debugs=$((debugs+1))' DEBUG`,
    });
    expect(await typed.run("sh -c 'exit 6'")).toMatchObject({ command: "sh -c 'exit 6'", exit: 6 });
    await waitForScreen(client, typed.id, "[6]");
    await waitForScreen(client, typed.id, "zero");
    expect(await typed.run('[[ $debugs -gt 1 && "$(trap -p DEBUG)" == *debugs* ]]')).toMatchObject({ exit: 0 });
    await typed.end();
  });

  test("an array of prompt commands, one added later, and one that breaks the status", async () => {
    const typed = await Typed.start("bash", {
      before: "PROMPT_COMMAND=('one=$?' false)",
      after: "PROMPT_COMMAND+=('two=$?'); PROMPT_COMMAND[0]+='; (exit 77)'",
    });
    expect(await typed.run("sh -c 'exit 6'")).toMatchObject({ exit: 6 });
    expect(await typed.run('echo "<$one $two>"')).toMatchObject({ exit: 0 });
    await waitForScreen(client, typed.id, "<6 6>");
    await typed.end();
  });

  test.each([
    "set -u",
    "set -e; set +e; set -e",
    "set -a",
    "set -x",
    "set -o posix",
    "shopt -u promptvars",
    "IFS=0123; set -f",
    "alias printf=false; alias local=false; shopt -s extglob nullglob",
  ])("%s", async (habit) => {
    const typed = await Typed.start("bash", habit.includes("promptvars") ? { before: habit } : { after: habit });
    // Without promptvars a prompt cannot run anything: commands have no text then.
    const command = habit.includes("promptvars") ? null : "cat /dev/null";
    expect(await typed.run("cat /dev/null")).toMatchObject({ command, exit: 0 });
    if (!habit.includes("set -e"))
      expect(await typed.run("sh -c 'exit 9'")).toMatchObject({ command: command === null ? null : "sh -c 'exit 9'", exit: 9 });
    await typed.type(ENTER);
    expect(await typed.run(`true ${"x".repeat(2_000)}`)).toMatchObject({ exit: 0 });
    if (habit === "set -a") {
      await typed.atPrompt();
      await typed.type("bash\r");
      await waitUntil("the inner shell", async () => (await client.call("session.get", { id: typed.id })).current_command === "bash");
      expect(await typed.run("false")).toMatchObject({ command: "false", exit: 1 });
    }
    await typed.end();
  });

  test("what the history does not take is not named, least of all as another command", async () => {
    const typed = await Typed.start("bash", { before: "HISTCONTROL=ignoreboth" });
    expect(await typed.run("echo open")).toMatchObject({ command: "echo open" });
    expect(await typed.run(" echo secret")).toMatchObject({ command: null, exit: 0 });
    expect(await typed.run("echo open")).toMatchObject({ command: null, exit: 0 });
    expect(await typed.run("echo other")).toMatchObject({ command: "echo other", exit: 0 });
    await typed.end();
    const small = await Typed.start("bash", { before: "HISTSIZE=2" });
    for (const word of ["a", "b", "c", "d"]) expect(await small.run(`echo ${word}`)).toMatchObject({ command: `echo ${word}`, exit: 0 });
    await small.end();
    const none = await Typed.start("bash", { before: "set +o history" });
    expect(await none.run("echo a")).toMatchObject({ command: null, exit: 0 });
    await none.end();
  });

  test("the way of bash before 5.1: one text of prompt commands", async () => {
    const typed = await Typed.start("bash", {
      before:
        "PROMPT_COMMAND='(exit 77)'\nlifeguard() { command lifeguard \"$@\" | sed 's/BASH_VERSINFO\\[1\\] >= 1/0/; s/BASH_VERSINFO\\[0\\] > 5/0/'; }",
    });
    expect(await typed.run("sh -c 'exit 6'")).toMatchObject({ command: "sh -c 'exit 6'", exit: 6 });
    expect(await typed.run("[[ $PROMPT_COMMAND == *77*lifeguard* ]]")).toMatchObject({ exit: 0 });
    await typed.end();
  });
});

ofShell("zsh", "what others do in zsh", () => {
  test("hooks that fail, options, and a prompt that is set anew", async () => {
    const typed = await Typed.start("zsh", {
      before: `precmd() { seen=$?; PS1="ready$seen> "; false }; preexec() { false }; precmd_functions=(other); other() { (exit 77) }; setopt no_unset ksh_arrays sh_word_split hist_ignore_space; setopt prompt_subst`,
    });
    expect(await typed.run("sh -c 'exit 6'")).toMatchObject({ command: "sh -c 'exit 6'", exit: 6 });
    await waitForScreen(client, typed.id, "ready6>");
    expect(await typed.run(" echo secret")).toMatchObject({ command: null, exit: 0 });
    expect(await typed.run("true")).toMatchObject({ command: "true", exit: 0 });
    await typed.end();
  });
});

for (const shell of ["bash", "zsh", "fish"] as const)
  ofShell(shell, `--title in ${shell}`, () => {
    test("the directory, and the command while it runs", async () => {
      const typed = await Typed.start(shell, {
        after: SOURCE[shell].replace(shell, `${shell} --title`),
        ...(shell === "fish"
          ? { before: "function lifeguard; command lifeguard $argv --title; end" }
          : { before: 'lifeguard() { command lifeguard "$@" --title; }' }),
      });
      const titled = (title: string): Promise<unknown> =>
        waitUntil("the title", async () => (await client.call("session.get", { id: typed.id })).title === title);
      await titled("~");
      await typed.atPrompt();
      await typed.type("sleep 1000\r");
      await titled("sleep 1000");
      await typed.type("\u0003");
      await typed.told();
      await typed.end();
    });
  });

test("the script is on its own: no path of the package is needed once it is read", async () => {
  const { stdout, code } = await daemon.run(["shell-integration", "bash"]);
  expect(code).toBe(0);
  expect(stdout).not.toContain(dirname(bin));
  expect(stdout).not.toContain("@TITLE@");
  expect(await daemon.run(["shell-integration", "tcsh"])).toMatchObject({ code: 2 });
});
