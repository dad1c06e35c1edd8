/** The service, where one is installed: its files point at what is there, its unit runs, and it outlives the log-in. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { keeperUnit } from "../../unit-names.js";
import { packageVersion } from "../../package-files.js";
import { filesOfService, installedService } from "../service/platforms.js";
import { asRoot, ok, problem, quoted, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import type { Surroundings } from "./surroundings.js";

const CHECK = "service";

export interface ServiceLook {
  findings: Finding[];
  /** False where a connection would start the daemon that this was to find missing. */
  mayAsk: boolean;
}

export async function checkService(around: Surroundings): Promise<ServiceLook> {
  const { env, lifeguard, paths } = around;
  const findings: Finding[] = [];
  let any = false;
  for (const { scope, kind, directory, names, running } of filesOfService(env)) {
    const files = names.map((name) => join(directory, name)).filter((path) => existsSync(path));
    if (files.length === 0) continue;
    any = true;
    const install = scope === "system" ? asRoot(`${lifeguard} service install --system`) : `${lifeguard} service install`;
    const stale = files.flatMap((file) => missingPrograms(file));
    const without = files.map((file) => quoted(file)).join(" ");
    if (stale.length > 0)
      findings.push(
        problem(
          CHECK,
          `its files in ${directory} start what is not there any more: ${[...new Set(stale)].join(", ")}`,
          running ? install : scope === "system" ? asRoot(`rm ${without}`) : `rm ${without}`,
          running ? "writes them anew, and starts the daemon" : `${kind} does not run here: nothing starts from them`,
        ),
      );
    else if (kind === "systemd" && isOlder(files))
      findings.push(
        warning(CHECK, `its files in ${directory} are of another version than ${packageVersion()}`, `${lifeguard} daemon upgrade`),
      );
  }
  const service = installedService(paths.socket, env);
  if (service === null) {
    if (!any) findings.push(ok(CHECK, `not installed; ${lifeguard} service install starts the daemon with the machine, or the log-in`));
    return { findings, mayAsk: true };
  }
  const { scope, manager } = service;
  const unit = await manager.state();
  const to = scope === "user" ? "--user " : "";
  if (unit === "active" || unit === "running") findings.push(ok(CHECK, `${manager.kind}, ${scope}: ${unit}`));
  else {
    const start = `systemctl ${to}start lifeguard.socket lifeguard.service`;
    const restart = `${unit === "failed" ? `systemctl ${to}reset-failed lifeguard.service; ` : ""}${start}`;
    findings.push(
      problem(
        CHECK,
        `${manager.kind}, ${scope}: its unit is ${unit}`,
        manager.kind === "launchd" ? `${lifeguard} service install` : scope === "system" ? asRoot(restart) : restart,
        manager.kind === "launchd" ? undefined : `journalctl ${to}-u lifeguard.service says why it ended`,
      ),
    );
  }
  if (scope === "user" && manager.kind === "systemd") findings.push(...(await lingering()));
  return { findings, mayAsk: manager.kind !== "systemd" || unit === "active" };
}

/** Absolute paths that a unit or a property list would run, and that are not there. */
function missingPrograms(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const words = file.endsWith(".plist")
    ? [...(/<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(text)?.[1] ?? "").matchAll(/<string>([^<]*)<\/string>/g)].map(
        ([, word = ""]) => word.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
      )
    : [...text.matchAll(/^Exec(?:Start|Reload)=(.*)$/gm)].flatMap(([, line = ""]) => unitWords(line));
  // Node, and the file it runs. What follows may be paths that the daemon makes itself.
  return words.slice(0, 2).filter((word) => word.startsWith("/") && !existsSync(word));
}

function unitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, inQuotes, bare]) =>
    (inQuotes ?? bare ?? "")
      .replaceAll("%%", "%")
      .replaceAll("$$", "$")
      .replaceAll(/\\(["\\])/g, "$1"),
  );
}

function isOlder(files: readonly string[]): boolean {
  const unit = files.find((file) => file.endsWith("lifeguard.service"));
  return unit !== undefined && !readFileSync(unit, "utf8").includes(keeperUnit(packageVersion()));
}

async function lingering(): Promise<Finding[]> {
  const user = userInfo().username;
  const said = await new Promise<string>((resolve) => {
    execFile("loginctl", ["show-user", user, "--property=Linger"], { timeout: 5_000 }, (_error, stdout) => resolve(stdout.trim()));
  });
  if (said !== "Linger=no") return [];
  return [
    warning(
      CHECK,
      "your services end when you log out: agents too",
      `loginctl enable-linger ${quoted(user)}`,
      "from then on they start with the machine and outlive your log-in",
    ),
  ];
}
