/** A thousand sessions on one machine: created, listed, written to and killed, with the daemon answering throughout. */
import { expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { figure, quantile, sample } from "../support/figures.js";
import { memoryOf } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

test("a thousand sessions", async () => {
  const daemon = await startDaemon({ config: "[daemon]\nmax_sessions = 2000\n" });
  const client = await daemon.client();
  const lister = await daemon.client();
  const memory = (): number => memoryOf(daemon.pid) + daemon.keeperPids().reduce((sum, pid) => sum + memoryOf(pid), 0);
  // One session first: what is made once is not the thousand's cost.
  const first = await client.call("session.create", { command: "/bin/cat" });
  await client.call("session.kill", { id: first.id });
  const before = memory();

  const count = sample("sessions", 1_000, 200);
  const hundred = Math.min(100, count / 2);
  const kinds = [{ command: "/bin/sleep", args: ["100000"] }, { command: "/bin/cat" }, { command: "/bin/sh", env: { PS1: "$ " } }];
  let listing = true;
  const listTimes: number[] = [];
  const listings = (async () => {
    while (listing) {
      const began = performance.now();
      await lister.call("session.list", {});
      listTimes.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();

  const times: number[] = [];
  const ids: string[] = [];
  const began = performance.now();
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    const { id } = await client.call("session.create", { name: `many-${n}`, ...kinds[n % kinds.length] });
    times.push(performance.now() - start);
    ids.push(id);
  }
  figure("created one after another", count / ((performance.now() - began) / 1_000), "per second");
  figure(`first ${hundred}: median`, quantile(times.slice(0, hundred), 0.5), "ms");
  figure(`first ${hundred}: p99`, quantile(times.slice(0, hundred), 0.99), "ms");
  figure(`last ${hundred}: median`, quantile(times.slice(-hundred), 0.5), "ms");
  figure(`last ${hundred}: p99`, quantile(times.slice(-hundred), 0.99), "ms");

  const { sessions } = await client.call("session.list", {});
  expect(sessions.map(({ id }) => id)).toEqual(ids);
  const cats = ids.filter((_, n) => n % kinds.length === 1);
  await Promise.all(cats.map((id) => client.call("session.input", { id, data: `hello ${id}\r` })));
  for (const id of cats) {
    await waitUntil(`the echo of ${id}`, async () =>
      Buffer.from((await client.call("session.read", { id, since: 0 })).data)
        .toString()
        .includes(`hello ${id}`),
    );
  }
  // Quiet terminals are parked after 2 s; their memory comes back with the collection that follows.
  const perSession = await waitUntil("quiet terminals to be parked", () => {
    const each = (memory() - before) / count;
    return each < 400_000 && each;
  });
  figure("memory per idle session, daemon and keeper together", perSession / 1_024, "KB");
  figure("keeper", daemon.keeperPids().reduce((sum, pid) => sum + memoryOf(pid), 0) / 1_048_576, "MB");

  const killing = performance.now();
  await Promise.all(ids.map((id) => client.call("session.kill", { id }, { deadlineMs: 60_000 })));
  figure("all killed", performance.now() - killing, "ms");
  listing = false;
  await listings;
  figure("listings answered meanwhile", listTimes.length);
  figure("listing, median", quantile(listTimes, 0.5), "ms");
  figure("listing, p99", quantile(listTimes, 0.99), "ms");
  expect((await client.call("session.list", { state: "exited", all: true })).sessions.length).toBe(count + 1);
  expect((await client.call("daemon.status", {})).ptys).toBeLessThanOrEqual(count);
});
