/**
 * An ended session's output files are gone or damaged: a disk was cleaned, a backup had the store alone, a power cut took them. Its
 * exit's checkpoint has the terminal, and used to be of no use to anybody who wanted to see it. Now the screen is shown from there,
 * and says so.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { LifeguardError } from "../../src/rpc/client.js";
import type { Client, ScreenResult } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import type { TestDaemon } from "../support/daemon.js";
import { waitUntil } from "../support/wait.js";

let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = await startDaemon({ config: "[session]\nspool_bytes = 65536\nspool_busy_bytes = 65536\n" });
  client = await daemon.client();
});

/** Its actor is the last to go: until then it has the files open, and is asked itself. */
async function actorGone(id: string): Promise<void> {
  await waitUntil("its actor to end", () =>
    client.call("session.explain", { id }).then(
      () => false,
      (error: unknown) => error instanceof LifeguardError && error.name === "EXITED",
    ),
  );
}

async function ended(script: string): Promise<{ id: string; directory: string; before: ScreenResult; checkpoint: string }> {
  const { id } = await client.call("session.create", { command: "/bin/sh", args: ["-c", script] });
  await client.call("session.wait", { id, until: ["exited"] });
  await waitUntil("its exit to be saved", async () => (await client.call("session.get", { id })).last_checkpoint_at !== null);
  await actorGone(id);
  const before = await client.call("session.screen", { id, format: "ansi", scrollback: 100 });
  expect(before.checkpoint).toBeNull();
  expect(before.ansi).toContain("last words");
  const { checkpoint } = await client.call("checkpoint.latest", { id });
  return { id, directory: join(daemon.home, "sessions", id), before, checkpoint };
}

const screenOf = (id: string): Promise<ScreenResult> => client.call("session.screen", { id, format: "ansi", scrollback: 100 });

test("without its files it is shown from the exit's checkpoint, which the answer names", async () => {
  const { id, directory, before, checkpoint } = await ended(
    "printf '\\033[1;31mred\\033[m title \\033]0;done\\007'; echo; echo last words",
  );
  rmSync(directory, { recursive: true });
  expect(await screenOf(id)).toEqual({ ...before, checkpoint });
  expect((await client.call("session.get", { id })).recovered_from).toBe("checkpoint");
  const said = await daemon.run(["screen", id]);
  expect(said).toMatchObject({ code: 0, stderr: expect.stringContaining(checkpoint) as unknown });
  expect(said.stdout).toContain("last words");
  // What was written is gone all the same, and nothing pretends otherwise.
  await expect(client.call("session.read", { id, since: 0 })).rejects.toThrow(/cannot read the spool/);
});

test("with a damaged spool too, also after a restart of the daemon", async () => {
  const { id, directory, before, checkpoint } = await ended("seq 200; echo last words");
  writeFileSync(join(directory, "spool"), "no spool");
  expect(await screenOf(id)).toEqual({ ...before, checkpoint });
  await daemon.restart();
  client = await daemon.client();
  expect(await screenOf(id)).toEqual({ ...before, checkpoint });
});

test("with a damaged snapshot, when the spool alone does not reach back", async () => {
  const { id, directory, before, checkpoint } = await ended("printf '\\033[3;20r\\033[?7l'; seq 40000; echo last words");
  expect(readdirSync(directory)).toContain("snapshot");
  const path = join(directory, "snapshot");
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
  expect(await screenOf(id)).toEqual({ ...before, checkpoint });
});

test("an older checkpoint serves when the newest is damaged or has no terminal; without any the refusal is that of the files", async () => {
  const { id } = await client.call("session.create", { command: "/bin/sh", args: ["-c", "echo last words; read line; echo more"] });
  await waitUntil("its words", async () => (await client.call("session.get", { id })).offset > 0);
  const { checkpoint } = await client.call("checkpoint.save", { id });
  await client.call("session.input", { id, data: "\r" });
  await client.call("session.wait", { id, until: ["exited"] });
  const exit = await waitUntil("its exit to be saved", async () => {
    const { checkpoints } = await client.call("checkpoint.list", { id });
    return checkpoints.find((row) => row.kind === "exit");
  });
  await actorGone(id);
  rmSync(join(daemon.home, "sessions", id), { recursive: true });
  const shelf = join(daemon.home, "store", "sessions", id, "checkpoints");
  const file = readdirSync(shelf).find((name) => name.endsWith(exit.checkpoint)) ?? "";
  writeFileSync(join(shelf, file), "damaged");
  const screen = await screenOf(id);
  expect(screen).toMatchObject({ checkpoint });
  expect(screen.ansi).toContain("last words");
  expect(screen.ansi).not.toContain("more");

  await client.call("checkpoint.remove", { checkpoint });
  await expect(screenOf(id)).rejects.toThrow(/cannot read the spool/);
});
