/** Watchers of a firehose, some of which take nothing: what arrives, what it costs, and what the agent notices. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMs, pssKib, total } from "../machine.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";

const FIREHOSE = ["/bin/sh", ["-c", "while :; do seq 1 100000; done"]];

export const watch = {
  name: "watch",
  what: "1, 10 and 100 watchers of a firehose; the same beside 100 that take nothing",
  async run({ scratch, quick, report, progress }) {
    const seconds = quick ? 2 : 5;
    for (const [watchers, stalled] of [
      [0, 0],
      [1, 0],
      [10, 0],
      [100, 0],
      [1, 100],
    ]) {
      const name = `${watchers}${stalled > 0 ? ` beside ${stalled} stalled` : ""}`;
      progress(name);
      const daemon = await Lifeguard.start(scratch);
      const { id } = await daemon.pane(...FIREHOSE);
      const before = total(daemon.pids, pssKib);
      const sockets = await Promise.all(Array.from({ length: stalled }, () => stall(daemon.socket, id)));
      let got = 0;
      for (let n = 0; n < watchers; n++) {
        const client = await daemon.connect();
        await client.watch(id, {}, { output: (data) => (got += data.byteLength), gap: () => {} });
      }
      await sleep(1_000);
      const [from, bytes, cpu] = [await end(daemon, id), got, total(daemon.pids, cpuMs)];
      const began = performance.now();
      await sleep(seconds * 1_000);
      const took = (performance.now() - began) / 1_000;
      const say = (what, unit, value, less = false) => report.sample({ case: `${name}: ${what}`, subject: "lifeguard", unit, value, less });
      say("the agent writes", "MB/s", ((await end(daemon, id)) - from) / 1e6 / took);
      if (watchers > 0) say("each watcher gets", "MB/s", (got - bytes) / watchers / 1e6 / took);
      say("processor", "% of a core", (total(daemon.pids, cpuMs) - cpu) / (took * 10), true);
      say("memory over none", "MiB", (total(daemon.pids, pssKib) - before) / 1024, true);
      for (const socket of sockets) socket.destroy();
      await daemon.end();
    }
  },
};

async function end({ client }, id) {
  return (await client.call("session.read", { id, since: 2 ** 52, max: 1 })).next;
}

/** Watches, and reads nothing after the answer. */
async function stall(path, id) {
  const socket = connect(path);
  socket.write(`${JSON.stringify({ id: 1, method: "session.watch", params: { id } })}\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  return socket;
}
