import { expect, test } from "vitest";
import { PromptQueue } from "../../../src/supervisor/prompt-queue.js";

const queued = { id: "p1", text: "do it", at: 5, force: false, lossy: false, begun: true };

test("what is queued comes back from a record, and nothing from one of another kind", () => {
  const queue = new PromptQueue();
  expect([queue.word, queue.toRecord()]).toEqual([null, null]);
  queue.waiting.push({ ...queued, connection: 3, ended: () => {} });
  queue.last = "submitted";
  expect(queue.word).toBe("queued");
  const back = new PromptQueue();
  back.fromRecord(JSON.parse(JSON.stringify(queue.toRecord())));
  expect(back.waiting).toEqual([queued]);
  expect(back.last).toBe("submitted");
  const other = new PromptQueue();
  for (const record of [undefined, null, 5, { prompts: [{ text: 5 }] }]) other.fromRecord(record);
  expect([other.waiting, other.word]).toEqual([[], null]);
});

test("an argument is for one start alone", () => {
  const queue = new PromptQueue();
  queue.argument = "do it";
  expect([queue.takeArgument(), queue.takeArgument()]).toEqual([["do it"], []]);
});
