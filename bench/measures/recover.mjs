/** The daemon is killed with SIGKILL under its sessions: how soon all of them serve again, and all their screens are right. */
import { setTimeout as sleep } from "node:timers/promises";
import { Lifeguard } from "../subjects/lifeguard.mjs";

const LINES = 200;
const SESSION = ["/bin/sh", ["-c", `i=0; while [ $i -lt ${LINES} ]; do echo "line $i"; i=$((i+1)); done; exec sleep 100000`]];

export const recover = {
  name: "recover",
  what: "kill -9 of the daemon under 50 and 1 000 sessions",
  async run({ scratch, quick, sessions, rounds, report, progress }) {
    for (const count of [50, sessions ?? (quick ? 200 : 1_000)]) {
      const daemon = await Lifeguard.start(scratch);
      const ids = [];
      for (let n = 0; n < count; n += 25)
        ids.push(...(await Promise.all(Array.from({ length: 25 }, () => daemon.pane(...SESSION)))).map(({ id }) => id));
      await sleep(5_000);
      for (let round = 0; round < rounds; round++) {
        progress(`${count} sessions, ${round + 1}/${rounds}`);
        await daemon.kill9();
        const began = performance.now();
        await daemon.start();
        const client = await daemon.connect();
        report.sample({ case: `${count}: answers after`, subject: "lifeguard", unit: "ms", value: performance.now() - began, less: true });
        let restored = null;
        for (; restored === null; await sleep(5)) ({ restored } = await client.call("daemon.status", {}));
        report.sample({
          case: `${count}: all serve after`,
          subject: "lifeguard",
          unit: "ms",
          value: performance.now() - began,
          less: true,
        });
        report.sample({
          case: `${count}: all serve, from its own start`,
          subject: "lifeguard",
          unit: "ms",
          value: restored.ms,
          less: true,
        });
        await Promise.all(
          ids.map(async (id) => {
            const { text } = await client.call("session.screen", { id, format: "text" });
            if (!text.includes(`line ${LINES - 1}`)) throw new Error(`the screen of ${id} is not what it was`);
          }),
        );
        report.sample({
          case: `${count}: all screens right after`,
          subject: "lifeguard",
          unit: "ms",
          value: performance.now() - began,
          less: true,
        });
        await client.close();
      }
      daemon.client = await daemon.connect();
      await daemon.end();
    }
  },
};
