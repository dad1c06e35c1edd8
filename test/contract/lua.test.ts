/** What Lua sends: it has one kind of table, and Neovim is written in it. */
import { describe, expect, it } from "vitest";
import { checkLeaks } from "../support/leaks.js";
import { RawClient, startServer } from "./rpc-fixture.js";

checkLeaks();

describe("MessagePack of Lua", () => {
  it("takes no parameters, [], [[]] and [{}] for the empty map", async () => {
    const fixture = await startServer();
    const client = await RawClient.open(fixture.socket, "messagepack");
    const hello = Buffer.concat([Buffer.from([0xac]), Buffer.from("daemon.hello")]);
    const shapes = [
      [0x94, 0, 7, hello, 0x90],
      [0x94, 0, 7, hello, 0x91, 0x90],
      [0x94, 0, 7, hello, 0x91, 0x80],
      [0x94, 0, 7, hello, 0xc0],
      [0x93, 0, 7, hello],
    ];
    for (const shape of shapes) {
      client.socket.write(Buffer.concat(shape.map((part) => (typeof part === "number" ? Buffer.from([part]) : part))));
      expect((await client.answer(7)).result).toMatchObject({ protocol: 1 });
    }
    // Text that is not UTF-8 is refused rather than changed.
    client.socket.write(
      Buffer.from([
        0x94,
        0,
        8,
        0xad,
        ...Buffer.from("session.input"),
        0x91,
        0x82,
        0xa2,
        0x69,
        0x64,
        0xa1,
        0x78,
        0xa4,
        ...Buffer.from("data"),
        0xa1,
        0xff,
      ]),
    );
    expect((await client.answer(8)).error).toMatchObject({
      name: "INVALID_PARAMS",
      message: expect.stringContaining("not UTF-8") as string,
    });
    await client.end();
    await fixture.end();
  });
});
