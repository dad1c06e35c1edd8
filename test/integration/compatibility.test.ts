/**
 * Programs written for an earlier revision of the protocol go on working: what was recorded of one (test/support/record-protocol.mjs)
 * is said again, and each answer has every field that it had, with a value of the same kind. More fields are fine, fewer are not.
 */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";

const RECORDINGS = new URL("../fixtures/protocol/", import.meta.url);

interface Exchange {
  method: string;
  params: Record<string, unknown>;
  result?: unknown;
  error?: { name: string; code: number };
}

interface Answer {
  id: number;
  result?: unknown;
  error?: { name: string; code: number };
}

/** Where `now` has less than `then`, as paths. Lists are compared by their first elements, null says nothing of a kind. */
function missing(then: unknown, now: unknown, path: string): string[] {
  if (then === null || then === undefined) return now === undefined && then === null ? [`${path} is gone`] : [];
  if (now === undefined) return [`${path} is gone`];
  if (now === null) return [];
  if (Array.isArray(then)) {
    if (!Array.isArray(now)) return [`${path} is no list any more`];
    return then.length > 0 && now.length > 0 ? missing(then[0], now[0], `${path}[0]`) : [];
  }
  if (typeof then !== typeof now) return [`${path} was a ${typeof then} and is a ${typeof now}`];
  if (typeof then !== "object") return [];
  return Object.entries(then).flatMap(([key, value]) => missing(value, (now as Record<string, unknown>)[key], `${path}.${key}`));
}

const daemon = await startDaemon();

for (const name of readdirSync(RECORDINGS)) {
  test(`a client of protocol ${name.replace(".jsonl", "")} gets what it got`, async () => {
    const exchanges = readFileSync(new URL(name, RECORDINGS), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Exchange);
    const socket = connect(daemon.socket);
    await once(socket, "connect");
    const waiting = new Map<number, (answer: Answer) => void>();
    createInterface({ input: socket }).on("line", (line) => {
      const answer = JSON.parse(line) as Answer;
      waiting.get(answer.id)?.(answer);
    });
    const known: Record<string, unknown> = {};
    const wrong: string[] = [];
    for (const [index, { method, params, result, error }] of exchanges.entries()) {
      const filled: unknown = JSON.parse(JSON.stringify(params), (_key, value: unknown) =>
        typeof value === "string" && value.startsWith("$") ? known[value.slice(1)] : value,
      );
      const answered = new Promise<Answer>((resolve) => waiting.set(index, resolve));
      socket.write(`${JSON.stringify({ id: index, method, params: filled })}\n`);
      const answer = await answered;
      if (method === "session.create") known["id"] = (answer.result as { id: string }).id;
      if (method === "checkpoint.save") known["checkpoint"] = (answer.result as { checkpoint: string }).checkpoint;
      if (method === "journal.open") known["journal"] = (answer.result as { id: string }).id;
      if (error === undefined)
        wrong.push(
          ...(answer.error === undefined
            ? missing(result, answer.result, method)
            : [`${method} is ${answer.error.name}, and was answered`]),
        );
      else if (answer.error?.name !== error.name || answer.error.code !== error.code)
        wrong.push(`${method} was ${error.name}, and is ${answer.error?.name ?? "answered"}`);
    }
    socket.destroy();
    expect(wrong).toEqual([]);
    expect(exchanges.length).toBeGreaterThan(20);
  });
}

test("what is missing is seen", () => {
  expect(missing({ a: 1, b: [{ c: "x" }] }, { a: "1", b: [{}] }, "answer")).toEqual([
    "answer.a was a number and is a string",
    "answer.b[0].c is gone",
  ]);
});

test("a client of a newer protocol is refused with what is spoken, and stays connected", async () => {
  const client = await daemon.client();
  await expect(client.call("daemon.hello", { client: "from tomorrow", protocol: 2 })).rejects.toMatchObject({
    name: "PROTOCOL",
    message: expect.stringContaining("speaks protocol 1"),
  });
  expect((await client.call("daemon.status", {})).pid).toBe(daemon.pid);
});
