/**
 * The disk of the store hangs, as one behind a lost network does: writes neither end nor fail. Who asked for something durable waited
 * for as long. Now they are told by name after `store.answer_ms`, everything else goes on, and what was asked is done once the disk
 * answers. The file system here is a real one, frozen; reads of it are answered.
 */
import { expect, test } from "vitest";
import { LifeguardError } from "../../src/rpc/client.js";
import type { Client, MethodName, Params } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { canMount, FreezableDisk } from "../support/disks.js";
import { waitForScreen, waitUntil, within } from "../support/wait.js";

const CONFIG = "[store]\nanswer_ms = 300\nstalled_ms = 200\ncheckpoint_period_ms = 500\n";

/** What its error is called; null when it is done. */
async function outcome(client: Client, method: MethodName, params: object): Promise<{ name: string | null; message: string }> {
  return await within(
    `${method} to be answered`,
    client.call(method, params as Params<MethodName>).then(
      () => ({ name: null, message: "" }),
      (error: unknown) => {
        if (!(error instanceof LifeguardError)) throw error;
        return { name: error.name, message: error.message };
      },
    ),
    15_000,
  );
}

test.skipIf(!canMount(new FreezableDisk()))(
  "who asks for something durable is told by name, all else goes on, and it is done when the disk answers",
  { timeout: 120_000 },
  async () => {
    const disk = new FreezableDisk();
    const daemon = await startDaemon({ config: CONFIG, disk: { at: "store", disk } });
    let client = await daemon.client();
    const { id } = await client.call("session.create", { name: "work", command: "/bin/cat" });
    const { checkpoint } = await client.call("checkpoint.save", { id });
    const victim = (await client.call("session.create", { name: "victim", command: "/bin/true" })).id;
    await client.call("session.wait", { id: victim, until: ["exited"] });
    await client.call("session.update", { id: victim, labels: { saved: "yes" } });
    await client.call("journal.append", { id, kind: "note", data: "before" });

    disk.freeze();
    const durable: [MethodName, object][] = [
      ["session.update", { id, name: "renamed" }],
      ["checkpoint.save", { id, label: "asked while it hung", key: "once" }],
      ["journal.append", { id, kind: "note", data: "asked while it hung", key: "entry" }],
      ["session.remove", { id: victim }],
      ["checkpoint.fork", { checkpoint, name: "fork" }],
    ];
    for (const [method, params] of durable) {
      const { name, message } = await outcome(client, method, params);
      expect([method, name]).toEqual([method, "UNAVAILABLE"]);
      expect(message).toMatch(/is not on the disk after 300 ms: .*store does not answer.* Look at the disk/);
    }
    await waitUntil("the disk to be called hanging", async () => (await client.call("store.status", {})).trouble?.includes("under way"));
    const easy: [MethodName, object][] = [
      ["session.list", { all: true }],
      ["session.create", { name: "new", command: "/bin/cat" }],
      ["session.input", { id, data: "typed while it hung\r" }],
      ["session.restart", { id: "new" }],
      ["session.kill", { id: "new" }],
      ["checkpoint.list", { id }],
      ["checkpoint.get", { checkpoint }],
      ["journal.read", { id }],
      ["store.prune", { older_than_ms: 0 }],
    ];
    for (const [method, params] of easy) expect([method, (await outcome(client, method, params)).name]).toEqual([method, null]);
    await waitForScreen(client, id, "typed while it hung");

    disk.thaw();
    await waitUntil("the store to be well", async () => (await client.call("store.status", {})).ok);
    // The same key waits for the same deed: nothing is done twice.
    const saved = await client.call("checkpoint.save", { id, label: "asked while it hung", key: "once" });
    const entry = await client.call("journal.append", { id, kind: "note", data: "asked while it hung", key: "entry" });
    await waitUntil("the removal to be done", async () =>
      (await client.call("session.list", { all: true })).sessions.every((session) => session.id !== victim),
    );
    await waitUntil("all to be saved", async () =>
      (await client.call("session.list", { all: true })).sessions.every(({ dirty }) => !dirty),
    );
    await daemon.kill9();
    await daemon.start();
    client = await daemon.client();
    const { sessions } = await client.call("session.list", { all: true });
    expect(sessions.map(({ name }) => name)).toEqual(["renamed", "fork", "new"]);
    const { checkpoints } = await client.call("checkpoint.list", { id });
    expect(checkpoints.filter(({ label }) => label === "asked while it hung").map((row) => row.checkpoint)).toEqual([saved.checkpoint]);
    const { entries } = await client.call("journal.read", { id });
    expect(entries.map(({ seq, data }) => [seq, data])).toEqual([
      [1, "before"],
      [entry.seq, "asked while it hung"],
    ]);
  },
);
