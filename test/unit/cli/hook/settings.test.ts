/** A person's settings: put in, there twice is there once, taken out, and every other byte as it was. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hooksIn, withHooks, withoutHooks, type Handler } from "../../../../src/cli/hook/json-hooks.js";
import { notifyIn, withNotify, withoutNotify } from "../../../../src/cli/hook/toml-notify.js";

const handler: Handler = { type: "command", command: "/usr/bin/node /opt/lifeguard hook claude || true", timeout: 3 };
const isOurs = (command: string): boolean => command.includes("lifeguard hook claude");
const EVENTS = ["Stop", "PreToolUse"];
const install = (text: string | null): string => withHooks(text, EVENTS, handler, isOurs);

describe("hooks in JSON", () => {
  const theirs = { matcher: "Bash", hooks: [{ type: "command", command: "mine.sh" }] };
  test.each([
    ["empty object", "{}"],
    ["with a newline", "{}\n"],
    ["two spaces", `${JSON.stringify({ model: "x", hooks: { Stop: [theirs] } }, null, 2)}\n`],
    ["tabs", JSON.stringify({ hooks: { Other: [theirs], Stop: [] }, z: [1, 2] }, null, "\t")],
    ["CRLF", JSON.stringify({ a: 1, hooks: {} }, null, 2).replaceAll("\n", "\r\n")],
    ["one line", '{"a": 1.50, "hooks": {"Stop": [{"hooks": []}]}, "b": "\\u00e9"}'],
    ["BOM", '\ufeff{\n  "a": 1\n}\n'],
    ["odd spacing", '{ "a" :1 ,\n\n "hooks"\n:{ "Stop":[ ] } }'],
    ["a key twice", '{"hooks": {}, "a": 1, "hooks": {"Stop": []}}'],
  ])("%s: in, once, and out again byte for byte", (_, text) => {
    const edited = install(text);
    expect(hooksIn(edited, handler, isOurs)).toEqual(new Map(EVENTS.map((event) => [event, true])));
    expect(install(edited)).toBe(edited);
    expect(edited).toContain("lifeguard hook claude");
    expect(withoutHooks(edited, isOurs)).toBe(text);
    expect(withoutHooks(text, isOurs)).toBe(text);
  });

  test("a file that was not there goes again; one that somebody has added to stays with that", () => {
    const fresh = install(null);
    expect(withoutHooks(fresh, isOurs)).toBe(null);
    const added = fresh.replace("{", '{\n  "model": "x",');
    expect(JSON.parse(withoutHooks(added, isOurs) ?? "")).toEqual({ model: "x" });
  });

  test("an older command of ours is replaced in its place", () => {
    const old = install("{}").replaceAll("/opt/", "/old/");
    expect(install(old)).toBe(install("{}"));
    expect([...hooksIn(old, handler, isOurs).values()]).toEqual([false, false]);
  });

  test.each([
    ["", "1:1"],
    ["{\n  // mine\n}", "2:3"],
    ['{"a": 1,}', "1:9"],
    ['{"a": 1} x', "1:10"],
    ["[]", "1:1"],
    ['{"hooks": []}', "1:11"],
    ['{"hooks": {"Stop": {}}}', "1:20"],
    ["{'a': 1}", "1:2"],
  ])("%j is refused with its place", (text, place) => {
    expect(() => install(text)).toThrow(expect.objectContaining({ name: "SettingsError", place }) as Error);
  });

  test("any JSON in any layout comes back byte for byte", () => {
    const groups = fc.array(fc.record({ matcher: fc.string(), hooks: fc.array(fc.record({ command: fc.string() })) }), { maxLength: 2 });
    const settings = fc.record(
      { other: fc.jsonValue(), hooks: fc.record({ Stop: groups, SessionEnd: groups }, { requiredKeys: [] }), more: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(settings, fc.constantFrom(undefined, 1, 2, 4, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(withoutHooks(install(text), isOurs)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe("notify in TOML", () => {
  const own = ["/usr/bin/node", "/opt/lifeguard", "hook", "codex"];
  const lengthOfOwn = (words: readonly string[]): number => (words[2] === "hook" && (words[1] ?? "").endsWith("lifeguard") ? 4 : 0);
  const put = (text: string | null): string => withNotify(text, own, lengthOfOwn);

  test.each([
    ["empty", ""],
    ["comments and tables", '# mine\nmodel = "x" # why\n\n[tools]\nnotify = "no"\n'],
    ["only a table", "[a]\nb = 1\n"],
    ["no last newline", 'model = "x"'],
    ["CRLF", 'model = "x"\r\n[a]\r\nb = 1\r\n'],
    ["a notify of one's own", "notify = ['say', \"done\"] # loud\nmodel = 1\n"],
    ["over several lines", 'notify = [\n  "say", # who\n  "done",\n]\n[a]\n'],
    ["strings that look like more", 'a = """\n[x]\nnotify = 1\n"""\nb = \'#\'\n'],
    ["BOM", '\ufeffmodel = "x"\n'],
  ])("%s: in, once, and out again byte for byte", (_, text) => {
    const edited = put(text);
    expect(notifyIn(edited)?.slice(0, 4)).toEqual(own);
    expect(put(edited)).toBe(edited);
    expect(withoutNotify(edited, lengthOfOwn)).toBe(text);
    expect(withoutNotify(text, lengthOfOwn)).toBe(text);
    const before = notifyIn(text);
    if (before !== null) expect(notifyIn(edited)).toEqual([...own, "--then", ...before]);
  });

  test("a file that was not there goes again", () => {
    expect(withoutNotify(put(null), lengthOfOwn)).toBe(null);
  });

  test.each(["notify = 'say'\n", "notify = [1]\n", "a = \n", "[a\n", "a = 1\na = 2\n"])("%j is refused", (text) => {
    expect(() => put(text)).toThrow(expect.objectContaining({ name: "SettingsError" }) as Error);
  });
});
