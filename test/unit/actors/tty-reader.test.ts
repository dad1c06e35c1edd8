import { readdirSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TtyReader } from "../../../src/actors/tty-reader.js";
import { closeDescriptor } from "../../../src/libc/descriptors.js";
import { openPty, openSlave } from "../../../src/libc/terminals.js";
import { waitUntil } from "../../support/wait.js";

const PAGE = 8_192;
const descriptors = () => readdirSync("/proc/self/fd").length;

function open() {
  const { master, slavePath } = openPty(80, 24);
  const page = Buffer.alloc(PAGE);
  const got: Buffer[] = [];
  const failures: unknown[] = [];
  const reader = new TtyReader(master, page, {
    chunk: (length) => got.push(Buffer.from(page.subarray(0, length))),
    failed: (error) => failures.push(error),
  });
  return { reader, slavePath, text: () => Buffer.concat(got).toString(), failures };
}

describe("tty reader", () => {
  it("reads nothing while paused, and all of it afterwards", async () => {
    const { reader, slavePath, text } = open();
    const slave = openSlave(slavePath);
    reader.resume();
    writeSync(slave, "one");
    await waitUntil("the first", () => text() === "one");
    reader.pause();
    writeSync(slave, "two");
    reader.drain(262_144);
    expect(text()).toBe("onetwo");
    writeSync(slave, "three");
    reader.resume();
    await waitUntil("the rest", () => text() === "onetwothree");
    await reader.close();
    closeDescriptor(slave);
  });

  it("may be paused by what it has just read", async () => {
    const { master, slavePath } = openPty(80, 24);
    const slave = openSlave(slavePath);
    const page = Buffer.alloc(PAGE);
    let chunks = 0;
    const reader = new TtyReader(master, page, {
      chunk: () => {
        chunks++;
        reader.pause();
      },
      failed: () => {},
    });
    reader.resume();
    writeSync(slave, "x".repeat(3_000));
    await waitUntil("a chunk", () => chunks === 1);
    writeSync(slave, "y");
    await new Promise((resolve) => setImmediate(resolve));
    expect(chunks).toBe(1);
    reader.resume();
    await waitUntil("the next", () => chunks === 2);
    await reader.close();
    closeDescriptor(slave);
  });

  // A program that reopens its terminal leaves it without anybody for a moment: the master then says EIO, and libuv closes it.
  it("goes on after the terminal was nobody's for a while", async () => {
    const before = descriptors();
    const { reader, slavePath, text, failures } = open();
    reader.resume();
    for (const word of ["a", "b", "c"]) {
      const slave = openSlave(slavePath);
      writeSync(slave, word);
      await waitUntil(`${word} to be read`, () => text().endsWith(word));
      const fd = reader.fd;
      closeDescriptor(slave);
      await waitUntil("the terminal to be reopened", () => reader.fd !== fd);
    }
    expect(text()).toBe("abc");
    expect(failures).toEqual([]);
    await reader.close();
    await waitUntil("all descriptors to be closed", () => descriptors() === before);
  });
});
