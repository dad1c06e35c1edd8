/** Round trips and pipelined calls in both dialects; a listing of many sessions. */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { quantile, timed } from "../statistics.mjs";
import { roundName } from "../report/report.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";

export const rpc = {
  name: "rpc",
  what: "calls through the socket, MessagePack and JSON lines; session.list of 1 000",
  async run({ scratch, rounds, quick, sessions, report, progress }) {
    const daemon = await Lifeguard.start(scratch);
    const { id } = await daemon.pane("/bin/cat", []);
    const calls = quick ? 1_000 : 4_000;
    const lines = await jsonLines(daemon.socket);
    const dialects = [
      { dialect: "MessagePack", call: (method, params) => daemon.client.call(method, params) },
      { dialect: "JSON lines", call: lines.call },
    ];
    const inTurn = async (measure) => {
      for (let round = -1; round < rounds; round++)
        for (const { dialect, call } of dialects) {
          progress(`${dialect}, ${roundName(round, rounds)}`);
          const figures = await measure(call);
          if (round >= 0) for (const figure of figures) report.sample({ ...figure, subject: dialect });
        }
    };
    await inTurn(async (call) => [
      ...(await each("round trip", calls / 4, () => call("session.get", { id }))),
      { case: "64 under way", unit: "calls/s", value: await rate(calls, 64, () => call("session.get", { id })) },
    ]);
    const most = sessions ?? (quick ? 200 : 1_000);
    progress(`${most} sessions`);
    for (let n = 1; n < most; n += 50) await Promise.all(Array.from({ length: 50 }, () => daemon.pane("/bin/sleep", ["100000"])));
    await inTurn((call) => each(`session.list of ${most}`, 50, () => call("session.list", {})));
    lines.end();
    await daemon.end();
  },
};

/** One after another, in ms. */
async function each(name, count, call) {
  const times = [];
  for (let n = 0; n < count; n++) times.push((await timed(call)).ms);
  return [
    { case: `${name}, p50`, unit: "ms", value: quantile(times, 0.5), less: true },
    { case: `${name}, p99`, unit: "ms", value: quantile(times, 0.99), less: true },
  ];
}

/** Calls a second, with so many under way. */
async function rate(count, width, call) {
  let left = count;
  const { ms } = await timed(() =>
    Promise.all(
      Array.from({ length: width }, async () => {
        while (left-- > 0) await call();
      }),
    ),
  );
  return (count * 1e3) / ms;
}

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
  return { call, end: () => socket.destroy() };
}
