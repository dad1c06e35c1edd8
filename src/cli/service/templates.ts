/** The units and property lists in `service/`, with this installation's paths filled in. */
import { readFileSync } from "node:fs";
import { packageFile, programFile } from "../../package-files.js";
import type { Paths } from "../../paths.js";
import { unitInstance } from "../../unit-names.js";

export interface Installation {
  scope: "user" | "system";
  /** For the system's manager: whose agents they are. */
  user: string | null;
  paths: Paths;
  /** PATH and what else the daemon needs of the installer's environment. */
  environment: Record<string, string>;
  version: string;
}

export interface ServiceFile {
  /** Its name in the manager's directory. */
  name: string;
  text: string;
}

export const LAUNCH_LABEL = "io.lifeguard.daemon";

function template(name: string): string {
  return readFileSync(packageFile(`service/${name}`), "utf8");
}

/** Every `@WORD@` replaced; a line that is nothing but an empty word goes. */
function fill(text: string, words: Record<string, string>): string {
  return text
    .split("\n")
    .flatMap((line) => {
      const filled = line.replaceAll(/@([A-Z_]+)@/g, (whole, word: string) => words[word] ?? whole);
      return filled === "" && line !== "" ? [] : [filled];
    })
    .join("\n");
}

/** As a word on a unit's command line or in a setting: `%` and `$` mean something there, quotes hold blanks. */
export function quoteForUnit(value: string): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("\n", "\\n");
  return /[\s"'\\;]/.test(value) ? `"${escaped}"` : escaped;
}

function environmentOf({ paths, environment, scope }: Installation): Record<string, string> {
  return {
    ...environment,
    LIFEGUARD_SERVICE: scope,
    LIFEGUARD_RUNTIME_DIR: paths.runtime,
    LIFEGUARD_STATE_DIR: paths.state,
    LIFEGUARD_CONFIG: paths.config,
    LIFEGUARD_SOCKET: paths.socket,
  };
}

/** Daemon, socket and keeper, for systemd. */
export function systemdUnits(installation: Installation): ServiceFile[] {
  const { scope, user, paths, version } = installation;
  // A `$` is a variable on a command line, and nothing but itself in a setting.
  const command = (word: string): string => quoteForUnit(word).replaceAll("$", "$$$$");
  const words = {
    INSTANCE: unitInstance(version),
    NODE: command(process.execPath),
    CLI: command(packageFile("bin/lifeguard")),
    KEEPER: command(programFile("reaper/keeper/main")),
    RUNTIME: command(paths.runtime),
    STATE: command(paths.state),
    SOCKET: paths.socket.replaceAll("%", "%%"),
    USER: user === null ? "" : `User=${user}`,
    SOCKET_USER: user === null ? "" : `SocketUser=${user}`,
    TARGET: scope === "user" ? "default.target" : "multi-user.target",
    ENVIRONMENT: Object.entries(environmentOf(installation))
      .map(([name, value]) => `Environment=${quoteForUnit(`${name}=${value}`)}`)
      .join("\n"),
  };
  return ["lifeguard.service", "lifeguard.socket", "lifeguard-keeper@.service"].map((name) => ({
    name,
    text: fill(template(`systemd/${name}`), words),
  }));
}

/** The daemon, for launchd. It starts its keeper itself. */
export function launchAgents(installation: Installation): ServiceFile[] {
  const { paths } = installation;
  const words = {
    NODE: escapeXml(process.execPath),
    CLI: escapeXml(packageFile("bin/lifeguard")),
    STATE: escapeXml(paths.state),
    ENVIRONMENT: Object.entries(environmentOf(installation))
      .map(([name, value]) => `    <key>${escapeXml(name)}</key>\n    <string>${escapeXml(value)}</string>`)
      .join("\n"),
  };
  const name = `${LAUNCH_LABEL}.plist`;
  return [{ name, text: fill(template(`launchd/${name}`), words) }];
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
