/** Round trips and pipelined calls in both dialects; a listing of many sessions. */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { quantile, timed } from "../statistics.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";

export const rpc = {
  name: "rpc",
  what: "calls through the socket, MessagePack and JSON lines; session.list of 1 000",
  async run({ scratch, quick, sessions, report, progress }) {
    const daemon = await Lifeguard.start(scratch);
    const { id } = await daemon.pane("/bin/cat", []);
    const calls = quick ? 2_000 : 20_000;
    const dialects = [
      ["MessagePack", (method, params) => daemon.client.call(method, params)],
      ["JSON lines", await jsonLines(daemon.socket)],
    ];
    for (const [dialect, call] of dialects) {
      progress(dialect);
      const times = [];
      for (let n = 0; n < calls / 10; n++) times.push((await timed(() => call("session.get", { id }))).ms);
      report.sample({ case: "round trip, p50", subject: dialect, unit: "ms", value: quantile(times, 0.5), less: true });
      report.sample({ case: "round trip, p99", subject: dialect, unit: "ms", value: quantile(times, 0.99), less: true });
      const { ms } = await timed(async () => {
        let left = calls;
        await Promise.all(
          Array.from({ length: 64 }, async () => {
            while (left-- > 0) await call("session.get", { id });
          }),
        );
      });
      report.sample({ case: "64 under way", subject: dialect, unit: "calls/s", value: (calls * 1e3) / ms });
    }
    const most = sessions ?? (quick ? 200 : 1_000);
    progress(`${most} sessions`);
    for (let n = 1; n < most; n += 50) await Promise.all(Array.from({ length: 50 }, () => daemon.pane("/bin/sleep", ["100000"])));
    for (const [dialect, call] of dialects) {
      const times = [];
      for (let n = 0; n < 50; n++) times.push((await timed(() => call("session.list", {}))).ms);
      report.sample({ case: `session.list of ${most}, p50`, subject: dialect, unit: "ms", value: quantile(times, 0.5), less: true });
      report.sample({ case: `session.list of ${most}, p99`, subject: dialect, unit: "ms", value: quantile(times, 0.99), less: true });
    }
    dialects[1][1].end();
    await daemon.end();
  },
};

async function jsonLines(path) {
  const socket = connect(path);
  await once(socket, "connect");
  const waiting = new Map();
  createInterface({ input: socket }).on("line", (line) => {
    const answer = JSON.parse(line);
    waiting.get(answer.id)?.(answer.result);
    waiting.delete(answer.id);
  });
  let next = 0;
  const call = (method, params) => {
    const id = ++next;
    socket.write(`${JSON.stringify({ id, method, params })}\n`);
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  return Object.assign(call, { end: () => socket.destroy() });
}
