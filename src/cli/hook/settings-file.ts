/** A file of settings of another program: read, changed as a whole, and never half. */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { writeFileSync } from "atomically";
import { fileTrouble, LifeguardError, messageOf } from "../../errors.js";
import { SettingsError } from "./settings-error.js";

/** Followed by hand, as the file at the end of the links may not be there yet. */
const MOST_LINKS = 40;

export interface SettingsFile {
  /** As a person knows it. */
  path: string;
  /** Where its bytes are, behind symbolic links. */
  target: string;
  /** null: not there. */
  text: string | null;
}

/** A change that has been worked out and not written yet. */
export interface SettingsChange extends SettingsFile {
  /** null: the file goes. */
  after: string | null;
}

/** @throws LifeguardError UNAVAILABLE, DAMAGED (not UTF-8) */
export function readSettings(path: string): SettingsFile {
  const target = behindLinks(path);
  try {
    return { path, target, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(target)) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { path, target, text: null };
    if (error instanceof TypeError) throw new LifeguardError("DAMAGED", `${path} is not UTF-8: it was left as it is`, { path });
    throw new LifeguardError("UNAVAILABLE", `cannot read ${path}: ${fileTrouble(error)}`, { path }, { cause: error });
  }
}

/** @throws LifeguardError DAMAGED with file and place, when `edit` finds that it cannot be edited */
export function changeOf(file: SettingsFile, edit: (text: string | null) => string | null): SettingsChange {
  try {
    return { ...file, after: edit(file.text) };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const place = error.place === null ? "" : `:${error.place}`;
    throw new LifeguardError("DAMAGED", `${file.path}${place}: ${error.message}; nothing was changed: put it right, then try again`, {
      path: file.path,
    });
  }
}

/** The file's mode and owner stay. @throws LifeguardError BUSY when somebody else has written it meanwhile, UNAVAILABLE */
export function writeSettings({ path, target, text, after }: SettingsChange): void {
  if (after === text) return;
  if (readSettings(path).text !== text)
    throw new LifeguardError("BUSY", `${path} was changed by somebody else at this moment: try again`, { path });
  try {
    if (after === null) {
      unlinkSync(target);
      removeIfEmpty(dirname(target));
      return;
    }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, after);
  } catch (error) {
    throw new LifeguardError("UNAVAILABLE", `cannot write ${path}: ${messageOf(error)}`, { path }, { cause: error });
  }
}

/** A directory of settings that is there for nothing but what we took out was made by us. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It holds something else, or is not ours to remove.
  }
}

function behindLinks(path: string): string {
  let target = resolve(path);
  for (let links = 0; lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true; links++) {
    if (links === MOST_LINKS) throw new LifeguardError("UNAVAILABLE", `${path} is a circle of symbolic links`, { path });
    target = resolve(dirname(target), readlinkSync(target));
  }
  return target;
}
