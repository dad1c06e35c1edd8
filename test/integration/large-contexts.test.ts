/**
 * How large a checkpoint's context may be. Two bounds are 16 MiB: that of the context and that of a message, which holds more than
 * the context. By default the message's is met first; where it is raised, the context's answers by name.
 */
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { within } from "../support/wait.js";

const MIB = 1_048_576;
/** What a save says besides. */
const REST = 1_024;
const filled = (bytes: number): Buffer => Buffer.alloc(bytes, "a context that compresses well\n");
const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** One request and its answer as JSON lines. */
async function json(
  socket: string,
  method: string,
  params: object,
): Promise<{ result?: Record<string, unknown>; error?: { name: string } }> {
  const link = connect({ path: socket });
  link.write(`${JSON.stringify({ id: 1, method, params })}\n`);
  const parts: Buffer[] = [];
  const line = new Promise<string>((resolve, reject) => {
    link.on("data", (part: Buffer) => {
      parts.push(part);
      if (part.at(-1) === 10) resolve(Buffer.concat(parts).toString());
    });
    link.on("error", reject);
  });
  try {
    return JSON.parse(await within(`${method} to be answered`, line)) as { result?: Record<string, unknown> };
  } finally {
    link.destroy();
  }
}

/** The session's periodic moment may fall into its creation, and makes one more. */
async function manualOnes(client: Client, id: string): Promise<string[]> {
  const { checkpoints } = await client.call("checkpoint.list", { id });
  return checkpoints.filter(({ kind }) => kind === "manual").map(({ checkpoint }) => checkpoint);
}

test("by default a message is the bound: 16 MiB, 12 MiB as base64; what was saved is read in either dialect", async () => {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const { id } = await client.call("session.create", { command: "/bin/cat" });
  const context = filled(16 * MIB - REST);
  const saved = await client.call("checkpoint.save", { id, context });
  expect(saved).toMatchObject({ context_bytes: context.length, checksum: sha256(context) });
  const { checkpoint } = saved;
  expect(sha256((await client.call("checkpoint.get", { checkpoint })).context ?? Buffer.alloc(0))).toBe(sha256(context));
  const read = await json(daemon.socket, "checkpoint.get", { checkpoint });
  expect(sha256(Buffer.from(read.result?.["context_b64"] as string, "base64"))).toBe(sha256(context));

  const smaller = filled(12 * MIB - REST);
  const text = await json(daemon.socket, "checkpoint.save", { id, context_b64: smaller.toString("base64") });
  expect(text.result).toMatchObject({ context_bytes: smaller.length, checksum: sha256(smaller) });

  const other = await daemon.client();
  await expect(other.call("checkpoint.save", { id, context: filled(16 * MIB) })).rejects.toMatchObject({
    name: "PROTOCOL",
    message: expect.stringContaining(`the limit is ${16 * MIB} (rpc.max_frame_bytes)`) as unknown,
  });
  expect((await json(daemon.socket, "checkpoint.save", { id, context_b64: filled(12 * MIB).toString("base64") })).error).toMatchObject({
    name: "PROTOCOL",
  });
  // Nobody else notices.
  expect(await manualOnes(client, id)).toHaveLength(2);
  await client.call("session.kill", { id });
});

test("where messages may be larger, a context of 16 MiB is taken, and one more byte is LIMIT by name", async () => {
  const daemon = await startDaemon({ config: `[rpc]\nmax_frame_bytes = ${32 * MIB}\n` });
  const client = await daemon.client();
  const { id } = await client.call("session.create", { command: "/bin/cat" });
  const whole = await client.call("checkpoint.save", { id, context: filled(16 * MIB) });
  expect(whole.context_bytes).toBe(16 * MIB);
  await expect(client.call("checkpoint.save", { id, context: filled(16 * MIB + 1) })).rejects.toMatchObject({
    name: "LIMIT",
    message: expect.stringContaining(`at most ${16 * MIB} are kept`) as unknown,
  });
  expect(await manualOnes(client, id)).toHaveLength(1);
  await client.call("session.kill", { id });
});
