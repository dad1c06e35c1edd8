/**
 * As much of a daemon as the keeper's tests need: takes every session's lease and reads it into its spool, as actors do.
 *
 * node custody-daemon.mjs <runtime> <state> <sessions to spawn when there are none> [lines per second]
 * Prints "reading <n>" once it reads all of them.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pollInput, readDescriptor } from "../../dist/libc/descriptors.js";
import { silentLog } from "../../dist/log.js";
import { Custody } from "../../dist/reaper/custody.js";
import { InflightFile } from "../../dist/spool/inflight.js";
import { Intake } from "../../dist/spool/intake.js";

const [runtime, state, count, linesPerSecond] = process.argv.slice(2);
const spool = { bytes: 1 << 20, busyBytes: 1 << 20 };
const listener = { exited() {}, keeperLost() {}, keeperReplaced() {} };
const custody = new Custody({ runtime, state, version: "test", spawner: "auto", log: silentLog, listener });
const directoryOf = (session) => join(state, "sessions", `sess_${session}`);

const kept = await custody.open();
const masters = new Map();
await custody.masters(
  kept.map(({ session }) => session),
  (session, master) => masters.set(session, master),
);
for (let session = 1; kept.length === 0 && session <= Number(count); session++) {
  const directory = directoryOf(session);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const burst = Math.round(Number(linesPerSecond) / 10);
  // The first one floods: it must not starve the others.
  const script =
    session === 1
      ? "exec yes"
      : `exec awk 'BEGIN { for (i = 0; ; i++) { printf "line %010d\\n", i; if (i % ${burst} == ${burst - 1}) { fflush(); system("sleep 0.1") } } }'`;
  const { master } = await custody.spawn({
    session,
    slot: session,
    record: Buffer.from(`record ${session}`),
    directory,
    spool,
    file: "/bin/sh",
    argv: ["/bin/sh", "-c", script],
    env: ["PATH=/usr/bin:/bin", `LIFEGUARD_SESSION=sess_${session}`, `LIFEGUARD_SOCKET=${join(runtime, "lifeguard.sock")}`],
    cwd: "/",
    size: { cols: 80, rows: 24 },
    nofileSoft: 1024,
    umask: 0o022,
  });
  masters.set(session, master);
}

const inflight = InflightFile.open(join(runtime, "inflight"));
const intakes = new Map([...masters].map(([session]) => [session, Intake.open(directoryOf(session), inflight.slot(session), spool)]));
const sessions = [...masters.keys()];
setInterval(() => {
  const fds = sessions.map((session) => masters.get(session));
  for (const index of pollInput(fds)) {
    const intake = intakes.get(sessions[index]);
    const n = readDescriptor(fds[index], intake.page);
    if (n > 0) intake.commit(n);
  }
}, 1);
process.stdout.write(`reading ${sessions.length}\n`);
