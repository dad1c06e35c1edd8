/**
 * What a session's process gets to see: its environment, its directory, its program. All checked before anything is made.
 */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { LifeguardError } from "../errors.js";
import type { SessionSpec } from "../session.js";

/** Never handed on: they name a terminal, a multiplexer or a daemon that is not the session's (protocol.md 1). */
const PRIVATE =
  /^(TMUX.*|STY|COLUMNS|LINES|LIFEGUARD_.*|NOTIFY_SOCKET|WATCHDOG_.*|LISTEN_(FDS|PID|FDNAMES)|INVOCATION_ID|JOURNAL_STREAM|UV_THREADPOOL_SIZE|NODE_CHANNEL_FD)$/;

let own: Record<string, string> | null = null;

/** What the daemon hands on of its own. Node reads the C environment anew at each access, and the daemon never changes it. */
function ownEnvironment(): Record<string, string> {
  own ??= withoutPrivate(process.env);
  return own;
}

function withoutPrivate(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !PRIVATE.test(name)) kept[name] = value;
  }
  return kept;
}

/** `env` on top of the base: `daemon` is the daemon's own environment, `login` what a login would set, `none` nothing. */
export function baseEnvironment(base: "daemon" | "login" | "none", env: Record<string, string>): Record<string, string> {
  const given = withoutPrivate(env);
  if (base === "none") return given;
  if (base === "daemon") return { ...ownEnvironment(), ...given };
  const user = userInfo();
  return {
    HOME: user.homedir,
    USER: user.username,
    LOGNAME: user.username,
    SHELL: user.shell ?? "/bin/sh",
    PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    LANG: process.env["LANG"] ?? "C.UTF-8",
    ...given,
  };
}

/** The environment as the process gets it, `NAME=value` strings. */
export function sessionEnvironment(env: Record<string, string>, session: string, socket: string): string[] {
  const complete = {
    ...env,
    LIFEGUARD_SESSION: session,
    LIFEGUARD_SOCKET: socket,
    TERM: "xterm-256color",
    COLORTERM: "truecolor",
    TERM_PROGRAM: "lifeguard",
  };
  return Object.entries(complete).map(([name, value]) => `${name}=${value}`);
}

/** @throws INVALID_PARAMS naming the variable */
export function checkEnvironment(env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name) || value.includes("\0")) {
      throw new LifeguardError(
        "INVALID_PARAMS",
        `env: ${JSON.stringify(name)} cannot be set: names hold no '=', and neither names nor values a NUL`,
        { field: "env", received: name },
      );
    }
  }
}

/** @throws INVALID_PARAMS */
export function checkDirectory(cwd: string): void {
  if (!isAbsolute(cwd) || cwd.includes("\0"))
    throw new LifeguardError("INVALID_PARAMS", `cwd must be an absolute path, got ${JSON.stringify(cwd)}`, { field: "cwd", received: cwd });
  let isDirectory: boolean;
  try {
    isDirectory = statSync(cwd).isDirectory();
    accessSync(cwd, constants.X_OK);
  } catch (error) {
    throw new LifeguardError(
      "INVALID_PARAMS",
      `cwd ${cwd} cannot be entered (${(error as NodeJS.ErrnoException).code}): name an existing directory`,
      { field: "cwd", received: cwd },
      { cause: error },
    );
  }
  if (!isDirectory) throw new LifeguardError("INVALID_PARAMS", `cwd ${cwd} is not a directory`, { field: "cwd", received: cwd });
}

/**
 * The program that a command means: a path as it is (relative ones from cwd), a bare name along the session's own PATH.
 * @throws INVALID_PARAMS when nothing executable is found
 */
export function resolveCommand(command: string, env: Record<string, string>, cwd: string): string {
  if (command === "" || command.includes("\0"))
    throw new LifeguardError("INVALID_PARAMS", `command must name a program, got ${JSON.stringify(command)}`, {
      field: "command",
      received: command,
    });
  if (command.includes("/")) {
    const path = resolve(cwd, command);
    if (isExecutable(path)) return path;
    throw new LifeguardError("INVALID_PARAMS", `command ${path} is not an executable file`, { field: "command", received: command });
  }
  const searched = env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  for (const directory of searched.split(":")) {
    const path = join(resolve(cwd, directory === "" ? "." : directory), command);
    if (isExecutable(path)) return path;
  }
  throw new LifeguardError(
    "INVALID_PARAMS",
    `command ${JSON.stringify(command)} was not found in PATH (${searched}): give its path, or set PATH in env`,
    { field: "command", received: command },
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The user's shell: from the session's environment, else from the password file. */
export function userShell(env: Record<string, string>): string {
  const shell = env["SHELL"] ?? "";
  return isAbsolute(shell) && isExecutable(shell) ? shell : (userInfo().shell ?? "/bin/sh");
}

/**
 * The soft limit of open files in the world the daemon was started from. Node has raised its own to the hard limit, so the
 * parent's is read where it can be; init's says nothing about users, so then it is the usual 1024.
 */
export function callerOpenFiles(): number {
  if (process.ppid > 1) {
    try {
      const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${process.ppid}/limits`, "utf8"))?.[1];
      if (soft !== undefined) return Number(soft);
    } catch {
      // The parent has gone, or this system has no /proc.
    }
  }
  return 1024;
}

/** The program's path; directory and program have been looked at. @throws INVALID_PARAMS */
export function programOf(spec: Pick<SessionSpec, "command" | "cwd" | "env">): string {
  checkDirectory(spec.cwd);
  return resolveCommand(spec.command, spec.env, spec.cwd);
}
