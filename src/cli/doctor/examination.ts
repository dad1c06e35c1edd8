/** Everything that doctor looks at, in the order of the report: a later look leaves out what an earlier one has told. */
import { checkHooks, checkShell, checkTmux } from "./agents.js";
import { checkConfiguration, checkProfiles } from "./configuration.js";
import { checkDaemon } from "./daemon.js";
import { eachRemedyOnce } from "./finding.js";
import type { Finding } from "./finding.js";
import { checkLimits, checkNode } from "./limits.js";
import { checkDirectories, checkSocketPath } from "./places.js";
import { checkService } from "./service.js";
import { lookAround } from "./surroundings.js";

export async function examine(env: NodeJS.ProcessEnv, socketFlag: string | undefined): Promise<Finding[]> {
  const findings = checkNode();
  const { around, findings: ofEnvironment } = lookAround(env, socketFlag);
  findings.push(...ofEnvironment);
  if (around === null) return findings;
  const places = [...checkDirectories(around), ...checkSocketPath(around)];
  findings.push(...places, ...checkConfiguration(around), ...checkProfiles(around));
  const service = await checkService(around);
  // What is in the socket's way has been told, and is not to be connected to.
  const blocked = places.some(({ check, level }) => check === "socket" && level === "problem");
  const { answer, findings: ofDaemon } = await checkDaemon(around, service.mayAsk && !blocked);
  try {
    findings.push(...ofDaemon, ...checkLimits(answer), ...service.findings);
    findings.push(...checkHooks(around), ...checkShell(around), ...(await checkTmux()));
  } finally {
    await answer?.client.close();
  }
  return eachRemedyOnce(findings);
}
