/** Entry point of the keeper process: `main.js <runtime> <state> <version> <spawner> <log level>`. Prints `ready` when it listens. */
import { join } from "node:path";
import { writeSync } from "node:fs";
import { messageOf } from "../../errors.js";
import { becomeSubreaper, openFileLimits, setOpenFileLimits } from "../../libc/processes.js";
import { openLog } from "../../log.js";
import { Journal, journalDestination, writesToJournal } from "../../service/journal.js";
import { notifyManager } from "../../service/notification.js";
import { closeInheritedDescriptors } from "../inherited-descriptors.js";
import { openSpawner } from "../spawner.js";
import { Keeper } from "./keeper.js";
import { endAgents } from "./unit-end.js";

const [runtime, state, version, spawnerChoice, level] = process.argv.slice(2);
if (runtime === undefined || state === undefined || version === undefined || level === undefined)
  throw new Error("usage: main.js RUNTIME STATE VERSION SPAWNER LEVEL");
const choice = spawnerChoice === "posix" || spawnerChoice === "node-pty" ? spawnerChoice : "auto";

const manager = process.env["NOTIFY_SOCKET"] ?? "";
const log = openLog({
  level,
  destination: writesToJournal(process.env) ? journalDestination(new Journal(), "lifeguard-keeper") : join(state, "keeper.log"),
  name: "keeper",
});
closeInheritedDescriptors();
process.umask(0o077);
const { hard } = openFileLimits();
setOpenFileLimits({ soft: hard, hard });
becomeSubreaper();

const spawner = await openSpawner(choice);
const keeper = new Keeper({ runtime, version, spawner, log, ended: () => process.exit(0) });

process.on("SIGCHLD", () => keeper.childEnded());
for (const ignored of ["SIGHUP", "SIGINT", "SIGPIPE"] as const) process.on(ignored, () => undefined);
process.on("SIGTERM", () => {
  if (manager !== "") {
    notifyManager(manager, { STOPPING: 1, STATUS: "ending the agents" });
    void endAgents(log).finally(() => {
      keeper.close();
      process.exit(0);
    });
    return;
  }
  // Agents would hang up with us: somebody who means it ends them first, or sends KILL.
  if (keeper.sessions > 0) log.warn({ sessions: keeper.sessions }, "SIGTERM while sessions are held: the keeper stays");
  else {
    keeper.close();
    process.exit(0);
  }
});
// Each frame and each round stands alone and leaves the table whole; what escapes them is no reason to hang up a thousand agents.
process.on("uncaughtException", (error) => log.error({ err: error }, "uncaught"));
process.on("unhandledRejection", (error) => log.error({ err: error }, "unhandled rejection"));

try {
  await keeper.open();
} catch (error) {
  log.fatal({ err: error }, "the keeper cannot listen");
  writeSync(2, `the keeper cannot listen: ${messageOf(error)}\n`);
  process.exit(1);
}
if (manager !== "") notifyManager(manager, { READY: 1, STATUS: `keeper of lifeguard ${version}` });
log.info({ version, spawner: spawner.kind, runtime }, "the keeper listens");
try {
  if (manager === "") writeSync(1, "ready\n");
} catch {
  // Whoever started us is gone already; the sockets are there for the next.
}
