/**
 * What a profile would have said of a recording: composes the loader with the terminal and the observer of live sessions, for
 * `lifeguard profile test`. Needs no daemon.
 */
import { readFileSync } from "node:fs";
import { parseRecording } from "./actors/recording.js";
import { rehearse, type Rehearsal } from "./actors/rehearsal.js";
import { fileTrouble, LifeguardError } from "./errors.js";
import { joined, loadProfiles, profileSet, SHIPPED_PROFILES } from "./profiles/load.js";
import { parseProfile } from "./profiles/parse.js";
import type { Profile } from "./profiles/profile.js";

export interface ProfileTest {
  profile: Profile;
  rehearsal: Rehearsal;
  /** What a person saw, where the recording says it. */
  expected: readonly (readonly [at: number, state: string, why: string])[];
}

/**
 * @param profileFile a profile, or an `extends` file, which takes over the shipped profile of its name
 * @throws LifeguardError INVALID_PARAMS when one of the files cannot be read or is not what it should be
 */
export function testProfile(profileFile: string, recordingFile: string): ProfileTest {
  const shipped = loadProfiles([SHIPPED_PROFILES]).set.profiles;
  const tool = shipped.find(({ name }) => name === profileFile);
  const hint = tool === undefined ? "" : `; a TOML file is meant, and that of this tool is ${tool.files.join(" and ")}`;
  const part = parseProfile(readText(profileFile, hint), profileFile);
  const profile = joined(
    shipped.find(({ name }) => name === part.name),
    part,
    profileFile,
  );
  const recording = parseRecording(readText(recordingFile), recordingFile);
  const set = profileSet([...shipped.filter(({ name }) => name !== part.name), profile]);
  const rehearsal = rehearse(recording, { profiles: set, tool: recording.shell ? null : profile.name });
  return { profile, rehearsal, expected: recording.timeline };
}

function readText(file: string, hint = ""): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new LifeguardError("INVALID_PARAMS", `cannot read ${file}: ${fileTrouble(error)}${hint}`, {}, { cause: error });
  }
}
