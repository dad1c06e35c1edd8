/** All profiles there are: the shipped ones, and on top of them what the config directory says. One bad file spoils only itself. */
import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LifeguardError, messageOf } from "../errors.js";
import { packageFile } from "../package-files.js";
import { parseProfile, type ProfilePart } from "./parse.js";
import { DEFAULT_CONTEXT_LIMIT, type Profile, type ProfileSet } from "./profile.js";

/** The profiles of this package. */
export const SHIPPED_PROFILES: string = packageFile("profiles/");

/** Where a user's own are: beside config.toml. */
export function ownProfiles(configFile: string): string {
  return join(dirname(configFile), "profiles");
}

export interface LoadedProfiles {
  set: ProfileSet;
  /** One a file that was refused: `file:line: key: what is wrong`. What it would have changed stays as shipped. */
  problems: string[];
}

/** Files of later directories win over those of earlier ones. A directory that is not there has none. */
export function loadProfiles(directories: readonly string[]): LoadedProfiles {
  const profiles = new Map<string, Profile>();
  const problems: string[] = [];
  for (const directory of directories) {
    for (const file of filesOf(directory)) {
      try {
        const part = parseProfile(readFileSync(file, "utf8"), file);
        profiles.set(part.name, joined(profiles.get(part.name), part, file));
      } catch (error) {
        problems.push(error instanceof LifeguardError ? error.message : `${file}: ${messageOf(error)}`);
      }
    }
  }
  return { set: profileSet([...profiles.values()]), problems };
}

export function profileSet(profiles: Profile[]): ProfileSet {
  const digest = hash("sha256", JSON.stringify(profiles), "hex").slice(0, 16);
  return { digest, profiles };
}

/** @throws LifeguardError when it extends what is not there */
export function joined(base: Profile | undefined, part: ProfilePart, file: string): Profile {
  if (part.extends && base === undefined)
    throw new LifeguardError("INVALID_PARAMS", `${file}: extends: there is no profile ${JSON.stringify(part.name)} to extend`, {
      field: "extends",
    });
  const under = part.extends && base !== undefined ? base : blankProfile(part.name);
  const replaced = new Set([...part.rules.map(({ id }) => id), ...part.drop]);
  return {
    ...under,
    ...part.values,
    prompt: { ...under.prompt, ...part.values.prompt },
    events: { ...under.events, ...part.values.events },
    resumeOptions: { ...under.resumeOptions, ...part.values.resumeOptions },
    // Own rules come first: among those that match, the first of a source is believed.
    rules: [...part.rules, ...under.rules.filter(({ id }) => !replaced.has(id))],
    files: [...under.files, file],
  };
}

function blankProfile(name: string): Profile {
  return {
    name,
    title: name,
    revision: 1,
    verified: null,
    aliases: [],
    command: [],
    processes: [],
    resume: [],
    prompt: {
      paste: true,
      submit: ["Enter"],
      settleMs: 300,
      pass: "typed",
      alters: [],
      collapsed: String.raw`\[Pasted [^\]]*\]`,
      placeholder: null,
    },
    conversation: "",
    hooks: [],
    events: {},
    resumeOptions: { none: [], one: [], drop: [], never: [] },
    contextLimit: DEFAULT_CONTEXT_LIMIT,
    startupMs: 30_000,
    box: null,
    rules: [],
    notes: [],
    files: [],
  };
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith(".toml") && !file.startsWith("."))
      .sort()
      .map((file) => join(directory, file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
