import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadProfiles, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import { parseProfile } from "../../../src/profiles/parse.js";
import { findProfile, profileOfProgram } from "../../../src/profiles/profile.js";
import { Profiles } from "../../../src/profiles/watch.js";
import { waitUntil } from "../../support/wait.js";

const RULE = '[[rule]]\nid = "works"\nstate = "busy"\nregion = "bottom"\nmatch = "working"\n';
const HEAD = 'format = 1\nname = "mine"\n';

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lifeguard-profiles-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
}

describe("the shipped profiles", () => {
  const { set, problems } = loadProfiles([SHIPPED_PROFILES]);

  it("are those of behaviour.md, all of them read without a word", () => {
    expect(problems).toEqual([]);
    expect(set.profiles.map(({ name }) => name)).toEqual([
      ...["aider", "amp", "claude", "cline", "codex", "copilot", "cursor", "gemini", "generic", "goose", "grok", "opencode", "shell"],
    ]);
    expect(findProfile(set, "claude")?.contextLimit).toBe(200_000);
    expect(findProfile(set, "codex")?.contextLimit).toBe(192_000);
    expect(findProfile(set, "aider")?.contextLimit).toBe(128_000);
    expect(findProfile(set, "cursor-agent")?.name).toBe("cursor");
    expect(profileOfProgram(set, "claude")?.name).toBe("claude");
    expect(profileOfProgram(set, "bash")).toBeUndefined();
  });

  it("say high only of what was run", () => {
    const sure = set.profiles.filter(({ verified, rules }) => verified === null && rules.some(({ confidence }) => confidence === "high"));
    expect(sure.map(({ name }) => name)).toEqual([]);
  });

  it("rely on no event of a tool that was not run", () => {
    const relied = set.profiles.filter(
      ({ verified, events }) => verified === null && Object.values(events).some(({ reliable }) => reliable),
    );
    expect(relied.map(({ name }) => name)).toEqual([]);
    expect(findProfile(set, "claude")?.events["Notification"]).toEqual({ state: "attention", reliable: false });
    expect(findProfile(set, "claude")?.events["SubagentStop"]).toEqual({ state: null, reliable: false });
  });

  it("cross threads as plain data", () => {
    expect(structuredClone(set)).toEqual(set);
  });
});

describe("a profile file", () => {
  it.each([
    ["not TOML", "format = 1\nname = \n", /^p\.toml:2: is not TOML/],
    ["a format of tomorrow", 'format = 2\nname = "mine"\n', /^p\.toml:1: format: is 1/],
    ["no name", "format = 1\n", /^p\.toml:1: name: /],
    ["a key that is none", `${HEAD}colour = "red"\n`, /^p\.toml:3: colour: is no key of a profile/],
    ["a rule's key that is none", `${HEAD}\n${RULE}${RULE.replace("works", "other")}glob = "x"\n`, /^p\.toml:14: rule\.1\.glob: is no key/],
    ["a region that is none", `${HEAD}\n${RULE.replace("bottom", "botom")}`, /^p\.toml:7: rule\.0\.region: .*"bottom"/],
    ["a state that is none", `${HEAD}\n${RULE.replace("busy", "starting")}`, /^p\.toml:6: rule\.0\.state: /],
    ["a broken pattern", `${HEAD}\n${RULE.replace("working", "(")}`, /^p\.toml:8: rule\.0\.match: is no regular expression/],
    [
      "a rule that proves nothing",
      `${HEAD}\n${RULE.replace("match =", "none = [").replace('"working"', '"working"]')}`,
      /^p\.toml:4: rule\.0: needs match, all or any/,
    ],
    ["an id twice", `${HEAD}\n${RULE}${RULE}`, /^p\.toml:10: rule\.1\.id: "works" is there twice/],
    ["a box of two kinds", `${HEAD}prompt_box = { edges = "a", bar = "b" }\n`, /^p\.toml:3: prompt_box: has exactly one/],
    ["verified by nobody", `${HEAD}verified = true\n`, /^p\.toml:3: verified: needs verified_versions and verified_on/],
    ["a date that is none", `${HEAD}verified_on = "yesterday"\n`, /^p\.toml:3: verified_on: is a date/],
    ["an event's state that is none", `${HEAD}[events]\nStop = { state = "exited" }\n`, /^p\.toml:4: events\.Stop\.state: /],
    [
      "an event that is reliable in nothing",
      `${HEAD}[events]\nStop = { reliable = true }\n`,
      /^p\.toml:4: events\.Stop: is reliable in nothing/,
    ],
    ["an event's name that is none", `${HEAD}[events]\n"a b" = {}\n`, /^p\.toml:4: events\.a b: is an event's name/],
    ["an option list that is none", `${HEAD}[resume_options]\nsome = ["-x"]\n`, /^p\.toml:4: resume_options\.some: /],
    ["a limit that is none", `${HEAD}context_limit = -1\n`, /^p\.toml:3: context_limit: /],
  ])("is refused with file, line and key: %s", (_, text, words) => {
    expect(() => parseProfile(text, "p.toml")).toThrow(words);
  });
});

describe("a user's directory", () => {
  it("adds profiles, replaces shipped ones, extends them, and drops rules of theirs", () => {
    write("mine.toml", `${HEAD}${RULE}`);
    write("grok.toml", 'format = 1\nname = "grok"\n');
    write("claude.toml", `format = 1\nname = "claude"\nextends = true\ncontext_limit = 1_000_000\ndrop = ["trust_dialog"]\n${RULE}`);
    const { set, problems } = loadProfiles([SHIPPED_PROFILES, directory]);
    expect(problems).toEqual([]);
    expect(findProfile(set, "mine")?.rules).toHaveLength(1);
    expect(findProfile(set, "grok")?.rules).toEqual([]);
    const claude = findProfile(set, "claude");
    expect(claude).toMatchObject({ contextLimit: 1_000_000, title: "Claude Code", processes: ["claude", "claude.exe"] });
    expect(claude?.rules[0]?.id).toBe("works");
    expect(claude?.rules.map(({ id }) => id)).not.toContain("trust_dialog");
    expect(claude?.files).toHaveLength(2);
  });

  it("spoils nothing but itself with a bad file", () => {
    write("claude.toml", 'format = 1\nname = "claude"\nbad = 1\n');
    write("nobody.toml", 'format = 1\nname = "nobody"\nextends = true\n');
    write("mine.toml", `${HEAD}${RULE}`);
    const { set, problems } = loadProfiles([SHIPPED_PROFILES, directory]);
    expect(problems).toHaveLength(2);
    expect(problems[0]).toMatch(/claude\.toml:3: bad: is no key/);
    expect(problems[1]).toMatch(/nobody\.toml: extends: there is no profile "nobody"/);
    expect(findProfile(set, "claude")?.rules.length).toBeGreaterThan(5);
    expect(findProfile(set, "mine")).toBeDefined();
  });

  it("is read again when it changes, once for a burst of writes, with what is wrong in it", async () => {
    const told: { digest: string; problems: string[] }[] = [];
    const profiles = new Profiles(join(directory, "config.toml"), ({ set, problems }) => told.push({ digest: set.digest, problems }));
    profiles.follow();
    try {
      const before = profiles.set.digest;
      writeFileSync(join(directory, "profiles", "mine.toml"), HEAD);
      writeFileSync(join(directory, "profiles", "mine.toml"), `${HEAD}${RULE}`);
      await waitUntil("the new profile", () => findProfile(profiles.set, "mine")?.rules.length === 1);
      expect(profiles.set.digest).not.toBe(before);
      writeFileSync(join(directory, "profiles", "mine.toml"), `${HEAD}oops = 1\n`);
      await waitUntil("the problem", () => told.at(-1)?.problems.length === 1);
      expect(told.at(-1)?.digest).toBe(before);
    } finally {
      profiles.stop();
    }
  });
});
