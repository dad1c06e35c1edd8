/** Key to echo through the public client, beside nothing and beside floods; a bare Node relay and tmux's control mode in turn with it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { largest, quantile } from "../statistics.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";
import { Tmux } from "../subjects/tmux.mjs";

const RELAY = fileURLToPath(new URL("../subjects/relay.mjs", import.meta.url));
/** Keys that do not count, one after another: a daemon lives for days, and the first second of its life is its compiler's. */
const WARM_KEYS = 4_000;
const FLOOD = ["-c", "while :; do seq 1 100000; done"];

export const echo = {
  name: "echo",
  what: "a key to its echo, after 4 000 that do not count: idle, and beside 4, 16, 64 flooding panes",
  async run({ scratch, rounds, quick, report, progress }) {
    const keys = quick ? 200 : 1_000;
    const few = Math.ceil(keys / 5);
    for (const floods of [0, 4, 16, 64]) {
      const name = floods === 0 ? "idle" : `beside ${floods}`;
      progress(name);
      const typists = [];
      const ends = [];
      // Side by side in turn while nothing floods. A flood is one subject's alone, or it would measure the machine's share.
      if (floods === 0) {
        const [lifeguard, tmux] = [await Lifeguard.start(scratch), await Tmux.start(scratch)];
        typists.push(await typist(lifeguard), await typist(tmux), await relay(scratch));
        await warm(typists);
        for (let round = 0; round < rounds; round++) {
          await measure(typists, keys, 0, name, report);
          await measure(typists, few, 20, `${name}, a key each 60 ms`, report);
        }
        ends.push(
          () => lifeguard.end(),
          () => tmux.end(),
        );
      } else {
        for (const Subject of [Lifeguard, Tmux]) {
          const subject = await Subject.start(scratch);
          const one = await typist(subject);
          await warm([one]);
          for (let n = 0; n < floods; n++) await subject.pane("/bin/sh", FLOOD);
          await sleep(1_000);
          for (let round = 0; round < rounds; round++) await measure([one], few, 10, name, report);
          await one.close();
          await subject.end();
        }
      }
      for (const one of typists) await one.close();
      for (const end of ends) await end();
      report.ratio({ case: `${name}, p99`, of: "lifeguard", to: "tmux" });
      if (floods === 0) report.ratio({ case: `${name}, p99`, of: "lifeguard", to: "relay" });
    }
  },
};

async function warm(typists) {
  for (let n = 0; n < WARM_KEYS; n++) for (const one of typists) await one.key();
}

async function measure(typists, keys, pauseMs, name, report) {
  const times = typists.map(() => []);
  for (let n = 0; n < keys + 20; n++)
    for (const [i, one] of typists.entries()) {
      if (pauseMs > 0) await sleep(pauseMs);
      const ms = await one.key();
      if (n >= 20) times[i].push(ms);
    }
  for (const [i, { subject }] of typists.entries()) {
    report.sample({ case: `${name}, p50`, subject, unit: "ms", value: quantile(times[i], 0.5), less: true });
    report.sample({ case: `${name}, p99`, subject, unit: "ms", value: quantile(times[i], 0.99), less: true });
    report.sample({ case: `${name}, longest`, subject, unit: "ms", value: largest(times[i]), less: true });
  }
}

async function typist(subject) {
  const pane = await subject.pane("/bin/cat", [], { seen: true });
  let seen = () => {};
  await pane.watch(() => seen());
  return {
    subject: subject.name,
    async key() {
      const back = new Promise((resolve) => (seen = resolve));
      const began = performance.now();
      const taken = pane.type("x");
      await back;
      const ms = performance.now() - began;
      await taken;
      return ms;
    },
    close: () => pane.close(),
  };
}

async function relay(scratch) {
  const home = mkdtempSync(join(scratch, "relay-"));
  const path = join(home, "relay.sock");
  const child = spawn(process.execPath, [RELAY, path, "main"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const socket = connect(path);
  await once(socket, "connect");
  let seen = () => {};
  socket.on("data", () => seen());
  return {
    subject: "relay",
    async key() {
      const back = new Promise((resolve) => (seen = resolve));
      const began = performance.now();
      socket.write("x");
      await back;
      return performance.now() - began;
    },
    async close() {
      const gone = once(child, "exit");
      socket.destroy();
      child.stdin.end();
      await gone;
    },
  };
}
