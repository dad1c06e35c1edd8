import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Asciicast } from "../../../src/cli/asciicast.js";
import { rootOf } from "../../../src/cli/completion.js";
import { pasteParts, sendBytes, sendPaste } from "../../../src/cli/paced-input.js";
import { failure } from "../../../src/cli/run.js";
import { exitCodeOf, UnreachableError, UsageError } from "../../../src/cli/verb.js";
import { parseParams } from "../../../src/cli/verbs/api-call.js";
import { farewell, greeting } from "../../../src/cli/verbs/daemon.js";
import { findVerb, VERBS } from "../../../src/cli/verbs.js";
import { ERROR_CODES, fileTrouble, LifeguardError } from "../../../src/errors.js";
import type { ErrorName } from "../../../src/errors.js";
import type { Client } from "../../../src/rpc/client.js";
import { runHere } from "../../support/command-line.js";

describe("verbs", () => {
  test("the longest words that name one", () => {
    expect(findVerb(["daemon", "stop", "--all"])?.name).toBe("daemon stop");
    expect(findVerb(["daemon", "--background"])?.name).toBe("daemon");
    expect(findVerb(["constructor"])).toBeUndefined();
    expect(findVerb(["__proto__"])).toBeUndefined();
  });

  test("each is filed under its own name, and only what may start a daemon does", async () => {
    const starting: string[] = [];
    for (const [name, load] of Object.entries(VERBS)) {
      const { record } = (await load()).verb;
      expect(record.name).toBe(name);
      if (record.startsDaemon) starting.push(name);
    }
    expect(starting.sort()).toEqual([
      "api call",
      "attach",
      "checkpoint fork",
      "checkpoint restore",
      "checkpoint rm",
      "checkpoint save",
      "journal add",
      "journal compact",
      "keys",
      "kill",
      "mcp",
      "new",
      "paste",
      "prompt",
      "prune",
      "restart",
      "rm",
      "send",
      "set",
      "tmux adopt",
    ]);
  });

  test("every error of the daemon has an exit code of the contract", () => {
    const special: Partial<Record<ErrorName, number>> = { INVALID_PARAMS: 2, NOT_FOUND: 3, TIMEOUT: 4, UNAVAILABLE: 5 };
    for (const name of Object.keys(ERROR_CODES) as ErrorName[]) expect(exitCodeOf(new LifeguardError(name, ""))).toBe(special[name] ?? 1);
    expect(failure(new UsageError("x"))).toEqual({ words: "x", code: 2 });
    expect(failure(new UnreachableError("x"))).toEqual({ words: "x", code: 5 });
    expect(failure(new Error("x"))).toEqual({ words: "x", code: 1 });
  });

  test("without words the help is a usage error, asked for it is not", async () => {
    for (const [argv, code] of [
      [[], 2],
      [["--help"], 0],
      [["help", "ls"], 0],
      [["ls", "-h"], 0],
    ] as const) {
      const said = await runHere(argv, { HOME: "/nowhere" });
      expect(said).toMatchObject({ code, stdout: expect.stringContaining("Usage: lifeguard") as string });
    }
  });
});

describe("words that are none", () => {
  async function said(...argv: string[]): Promise<string> {
    const { code, stderr, stdout } = await runHere(argv, { HOME: "/nowhere" });
    return `${code} ${stderr}${stdout}`;
  }

  test.each([
    [["shwo"], /^2 .*there is no verb "shwo"; did you mean show\?/],
    [["zzzzzzzz"], /^2 .*there is no verb "zzzzzzzz"; lifeguard --help/],
    [["daemon", "start"], /^2 .*stop or reload or upgrade, got "start"/],
    [["--socket"], /^2 .*--socket needs a value/],
    [["-v"], /^0 .*\d+\.\d+\.\d+\n/],
    [["daemon", "--help"], /^0 [^]*lifeguard daemon upgrade/],
    [["hook", "--help"], /^0 [^]*lifeguard hook uninstall/],
    [["new", "--cwd", "", "--", "true"], /^2 .*--cwd is empty/],
    [["screen", "x", "--format", "json"], /^2 .*"json" is not among text, ansi, html, svg: for JSON there is --json\n/],
    [
      ["profile", "test", "claude", "x"],
      /^2 lifeguard: cannot read claude: no such file or directory; a TOML file is meant, .*claude\.toml\n/,
    ],
  ] as const)("%j", async (argv, words) => expect(await said(...argv)).toMatch(words));

  test("why a file could not be read, without the call", () => {
    expect(fileTrouble(new Error("ENOENT: no such file or directory, open 'a, b'"))).toBe("no such file or directory");
    expect(fileTrouble(new Error("EISDIR: illegal operation on a directory, read"))).toBe("illegal operation on a directory");
    expect(fileTrouble(new Error("anything else"))).toBe("anything else");
  });
});

describe("paced input", () => {
  /** A session whose queue takes what `room` says, in turn. */
  function queueOf(...room: (number | "busy")[]): { client: Client; taken: Buffer[] } {
    const taken: Buffer[] = [];
    const call = (_method: string, { data }: { data: Buffer }): Promise<{ accepted: number }> => {
      const next = room.shift() ?? data.length;
      if (next === "busy") return Promise.reject(new LifeguardError("BUSY", "the input queue is full"));
      const accepted = Math.min(next, data.length);
      taken.push(Buffer.from(data.subarray(0, accepted)));
      return Promise.resolve({ accepted });
    };
    return { client: { call } as unknown as Client, taken };
  }

  test("offers again what was not taken, in order, nothing twice", async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    const { client, taken } = queueOf(10, "busy", 0, 3, "busy", 65_536);
    await sendBytes(client, "sess_1", bytes);
    expect(Buffer.concat(taken).equals(bytes)).toBe(true);
  });

  test("a program that does not read: told once, after 2 s; with a timeout it ends with what was taken", async () => {
    vi.useFakeTimers();
    try {
      const { client } = queueOf(10, 5, ...Array.from({ length: 1_000 }, () => "busy" as const));
      const told: [number, number][] = [];
      const stalled = (left: number, total: number): void => void told.push([left, total]);
      const sent = expect(sendBytes(client, "sess_1", Buffer.alloc(100), { stalled, timeoutMs: 10_000 })).rejects.toMatchObject({
        name: "TIMEOUT",
        message: "the program did not read in time: 15 of 100 bytes were taken",
      });
      await vi.advanceTimersByTimeAsync(1_900);
      expect(told).toEqual([]);
      await vi.advanceTimersByTimeAsync(20_000);
      await sent;
      expect(told).toEqual([[85, 100]]);
      const whole = queueOf(...Array.from({ length: 1_000 }, () => "busy" as const)).client;
      const pasted = expect(sendPaste(whole, "sess_1", "ä", { timeoutMs: 1 })).rejects.toThrow("0 of 2 bytes were taken");
      await vi.advanceTimersByTimeAsync(1_000);
      await pasted;
    } finally {
      vi.useRealTimers();
    }
  });

  test("Enter waits behind the text for its turn, instead of being refused by the queue that the text has filled", async () => {
    const calls: string[] = [];
    const call = (method: string): Promise<{ accepted: number }> => {
      calls.push(method);
      if (calls.length === 2) return Promise.reject(new LifeguardError("BUSY", "the input queue is full"));
      return Promise.resolve({ accepted: 1 });
    };
    await sendBytes({ call } as unknown as Client, "sess_1", Buffer.from("x"), { enter: true });
    expect(calls).toEqual(["session.input", "session.keys", "session.keys"]);
  });

  test("every other error ends it", async () => {
    const client = { call: () => Promise.reject(new LifeguardError("EXITED", "gone")) } as unknown as Client;
    await expect(sendBytes(client, "sess_1", Buffer.from("x"))).rejects.toThrow("gone");
  });

  test("parts of a paste are whole characters, within the bound, and make up the text; a short text is one part", () => {
    expect(pasteParts("", 10)).toEqual([""]);
    expect(pasteParts("a\nbb\nccc\n", 6)).toEqual(["a\nbb\n", "ccc\n"]);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.integer({ min: 4, max: 40 }), (text, most) => {
        const parts = pasteParts(text, most);
        expect(parts.join("")).toBe(text);
        for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe("a recording", () => {
  test("is asciicast v2: times never go back, characters are whole", () => {
    const cast = new Asciicast();
    expect(JSON.parse(cast.header({ cols: 80, rows: 24 }, { title: "t", command: "sh", at: 1_500 }))).toMatchObject({
      version: 2,
      width: 80,
      height: 24,
      timestamp: 1,
    });
    const kana = Buffer.from("日");
    expect(cast.output(1.5, Buffer.concat([Buffer.from("a"), kana.subarray(0, 2)]))).toBe('[1.5,"o","a"]\n');
    expect(cast.output(1.2, kana.subarray(2))).toBe('[1.5,"o","日"]\n');
    expect(cast.resized(2, { cols: 100, rows: 30 })).toBe('[2,"r","100x30"]\n');
    expect(cast.output(3, kana.subarray(0, 1))).toBe("");
    expect(cast.end()).toBe('[2,"o","\ufffd"]\n');
  });
});

describe("api call", () => {
  test("takes one object, and bytes as base64", () => {
    expect(parseParams('{"id":"x","data_b64":"AQI="}')).toEqual({ id: "x", data: Buffer.from([1, 2]) });
    for (const wrong of ["", "{", "[]", "1", "null", '"x"']) expect(() => parseParams(wrong)).toThrow(UsageError);
  });
});

describe("the daemon's words", () => {
  test("say where, what next, and what goes on", () => {
    expect(greeting({ socket: "/s", state: "/st", pid: 1, restored: 3 }, "./bin/lifeguard")).toMatch(
      /\/s\n[\s\S]*\/st\n[\s\S]*3 found[\s\S]*\.\/bin\/lifeguard top/,
    );
    expect(farewell(0, [], "lifeguard")).toContain("no session is left");
    expect(farewell(2, ["sess_1"], "lifeguard")).toMatch(
      /not saved: sess_1\n[\s\S]*2 sessions go on[\s\S]*lifeguard kill ID[\s\S]*daemon stop --all/,
    );
  });
});

describe("completion", () => {
  test("knows every verb and its words", async () => {
    const records = await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb.record));
    const root = rootOf(records, []);
    expect([...root.commands.keys()]).toEqual(Object.keys(VERBS));
    expect(root.commands.get("screen")?.options.has("format")).toBe(true);
    expect(root.commands.get("daemon")?.options.has("ready-fd")).toBe(false);
  });
});
