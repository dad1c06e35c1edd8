/** Profiles that follow their files: a change in the config directory is read without a restart. */
import { mkdirSync, watch, type FSWatcher } from "node:fs";
import { loadProfiles, ownProfiles, SHIPPED_PROFILES, type LoadedProfiles } from "./load.js";
import type { ProfileSet } from "./profile.js";

/** Editors write a file in several steps: it is read once they have been quiet for so long. */
const SETTLE_MS = 200;

export class Profiles {
  readonly #directory: string;
  readonly #changed: (loaded: LoadedProfiles) => void;
  #loaded: LoadedProfiles;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param changed a file has been written: the set is another, or there are other problems */
  constructor(configFile: string, changed: (loaded: LoadedProfiles) => void) {
    this.#directory = ownProfiles(configFile);
    this.#changed = changed;
    this.#loaded = this.#read();
  }

  get set(): ProfileSet {
    return this.#loaded.set;
  }
  get problems(): readonly string[] {
    return this.#loaded.problems;
  }

  /** The directory is made, so that there is something to watch. Where that cannot be, changes are seen at the next start. */
  follow(): void {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      this.#watcher = watch(this.#directory, { persistent: false }, () => {
        if (this.#timer !== null) clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.reload(), SETTLE_MS);
      });
      this.#watcher.on("error", () => this.stop());
    } catch {
      this.#watcher = null;
    }
  }

  reload(): void {
    this.#timer = null;
    const before = this.#loaded;
    this.#loaded = this.#read();
    if (before.set.digest !== this.#loaded.set.digest || before.problems.join("\n") !== this.#loaded.problems.join("\n"))
      this.#changed(this.#loaded);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#watcher?.close();
    this.#watcher = null;
  }

  #read(): LoadedProfiles {
    return loadProfiles([SHIPPED_PROFILES, this.#directory]);
  }
}
