/** The service managers as the command line sees them: where their files are, how they are told. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { LifeguardError } from "../../errors.js";
import { LAUNCH_LABEL, launchAgents, systemdUnits } from "./templates.js";
import type { Installation, ServiceFile } from "./templates.js";

export interface ServiceManager {
  readonly kind: "systemd" | "launchd";
  /** Where its files for this scope are. */
  readonly directory: string;
  files(installation: Installation): ServiceFile[];
  /** Names of the files that `files` gives, whatever the installation. */
  readonly names: readonly string[];
  /** Reads the files again and starts the daemon, now and at every start of the machine or log-in. @throws UNAVAILABLE */
  enable(): Promise<void>;
  /** Ends the daemon and its starting by itself; agents go on. @throws UNAVAILABLE */
  disable(): Promise<void>;
  /** After the files have gone. */
  forgotten(): Promise<void>;
  /** Starts the daemon's unit if it does not run. @throws UNAVAILABLE */
  start(): Promise<void>;
  /** Ends the daemon and starts it anew, on what the files say now. @throws UNAVAILABLE */
  restart(): Promise<void>;
  /** What the manager says of the daemon's unit: `active`, `inactive`, `failed`, … */
  state(): Promise<string>;
}

/** More than a start or a stop may take by the units themselves. */
const MANAGER_MS = 90_000;

async function run(file: string, args: string[]): Promise<{ ok: boolean; out: string; said: string }> {
  return await new Promise((resolve) => {
    execFile(file, args, { timeout: MANAGER_MS }, (error, stdout, stderr) => {
      resolve({ ok: error === null, out: stdout.trim(), said: stderr.trim() || (error?.message ?? "") });
    });
  });
}

async function must(file: string, args: string[]): Promise<string> {
  const { ok, out, said } = await run(file, args);
  if (!ok) throw new LifeguardError("UNAVAILABLE", `${[file, ...args].join(" ")}: ${said}`, { command: [file, ...args] });
  return out;
}

function systemd(scope: "user" | "system", env: NodeJS.ProcessEnv): ServiceManager {
  const to = scope === "user" ? ["--user"] : [];
  const xdg = env["XDG_CONFIG_HOME"] ?? "";
  const config = isAbsolute(xdg) ? xdg : join(env["HOME"] ?? homedir(), ".config");
  return {
    kind: "systemd",
    directory: scope === "user" ? join(config, "systemd", "user") : "/etc/systemd/system",
    files: systemdUnits,
    names: ["lifeguard.service", "lifeguard.socket", "lifeguard-keeper@.service"],
    enable: async () => {
      await must("systemctl", [...to, "daemon-reload"]);
      await must("systemctl", [...to, "enable", "lifeguard.service", "lifeguard.socket"]);
      await must("systemctl", [...to, "start", "lifeguard.socket", "lifeguard.service"]);
    },
    disable: async () => {
      await must("systemctl", [...to, "disable", "--now", "lifeguard.socket", "lifeguard.service"]);
    },
    forgotten: async () => void (await must("systemctl", [...to, "daemon-reload"])),
    start: async () => void (await must("systemctl", [...to, "start", "lifeguard.socket", "lifeguard.service"])),
    restart: async () => {
      await must("systemctl", [...to, "daemon-reload"]);
      await must("systemctl", [...to, "restart", "lifeguard.service"]);
    },
    state: async () => (await run("systemctl", [...to, "is-active", "lifeguard.service"])).out || "unknown",
  };
}

function launchd(env: NodeJS.ProcessEnv): ServiceManager {
  const domain = `gui/${process.getuid?.() ?? 0}`;
  const directory = join(env["HOME"] ?? homedir(), "Library", "LaunchAgents");
  const file = join(directory, `${LAUNCH_LABEL}.plist`);
  const target = `${domain}/${LAUNCH_LABEL}`;
  return {
    kind: "launchd",
    directory,
    files: launchAgents,
    names: [`${LAUNCH_LABEL}.plist`],
    enable: async () => {
      await run("launchctl", ["bootout", target]);
      await must("launchctl", ["bootstrap", domain, file]);
    },
    disable: async () => void (await must("launchctl", ["bootout", target])),
    forgotten: async () => undefined,
    start: async () => void (await must("launchctl", ["kickstart", target])),
    restart: async () => void (await must("launchctl", ["kickstart", "-k", target])),
    state: async () => /^\s*state = (\S+)/m.exec((await run("launchctl", ["print", target])).out)?.[1] ?? "unknown",
  };
}

/** @throws LifeguardError UNSUPPORTED where no manager that we know runs */
export function serviceManager(scope: "user" | "system", env: NodeJS.ProcessEnv): ServiceManager {
  if (process.platform === "darwin") {
    if (scope === "system") throw new LifeguardError("UNSUPPORTED", "on macOS the service is an agent of the user's: leave --system away");
    return launchd(env);
  }
  if (!existsSync("/run/systemd/system"))
    throw new LifeguardError(
      "UNSUPPORTED",
      "systemd does not run here (/run/systemd/system is not there): have what starts services run `lifeguard daemon`, or use lifeguard daemon --background",
    );
  return systemd(scope, env);
}

/** The service that serves this socket, the user's before the system's; null when none does. */
export function installedService(socket: string, env: NodeJS.ProcessEnv): { scope: "user" | "system"; manager: ServiceManager } | null {
  for (const scope of ["user", "system"] as const) {
    try {
      const manager = serviceManager(scope, env);
      // The socket is in one of its files; a daemon for another state directory is none of the service's.
      const serves = manager.names.some((name) => readFileSync(join(manager.directory, name), "utf8").includes(socket));
      if (serves) return { scope, manager };
    } catch {
      // No manager of this kind here, or nothing installed.
    }
  }
  return null;
}

/** Where files of a service of ours may lie on this system, whether its manager runs or not. */
export function filesOfService(
  env: NodeJS.ProcessEnv,
): { scope: "user" | "system"; kind: ServiceManager["kind"]; directory: string; names: readonly string[]; running: boolean }[] {
  const scopes: readonly ("user" | "system")[] = process.platform === "darwin" ? ["user"] : ["user", "system"];
  const running = process.platform === "darwin" || existsSync("/run/systemd/system");
  return scopes.map((scope) => {
    const { kind, directory, names } = process.platform === "darwin" ? launchd(env) : systemd(scope, env);
    return { scope, kind, directory, names, running };
  });
}
