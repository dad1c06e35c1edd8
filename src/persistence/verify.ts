/** `store.verify`: every byte of every file is read and held against its checksum and its place. */
import { LifeguardError } from "../errors.js";
import { journalNumber } from "./checks.js";
import type { Ground } from "./generations.js";
import { generationsOf } from "./generations.js";
import { ARCHIVES, archiveKey, DOCUMENTS, FORKS, journalPlace, sessionPlace } from "./places.js";
import type { Damage } from "./quarantine.js";
import type { RecordType } from "./records.js";
import { decodeRecord } from "./records.js";
import type { FileCheckpoints } from "./checkpoints.js";
import type { FileJournals } from "./journals.js";
import { READ_LIMIT_MAX } from "./journal-shapes.js";
import { archiveType, documentType, forkType, headType, marksType, registryType, thoughtType } from "./record-shapes.js";
import type { FileRegistry } from "./registry.js";
import type { VerifyReport } from "./store.js";
import type { Place } from "./tree.js";

export interface VerifyParts extends Ground {
  registry: FileRegistry;
  checkpoints: FileCheckpoints;
  journals: FileJournals;
  foreign: () => string[];
}

const FILE_BYTES = 128 * 1024 * 1024;

export async function verify(parts: VerifyParts): Promise<VerifyReport> {
  const walk = new Walk(parts);
  await walk.generations([], "marks", marksType, () => null);
  for (const { id } of parts.registry.list()) await walk.session(id);
  for (const id of parts.journals.ids()) await walk.journal(id);
  await walk.all(FORKS, forkType, (meta, name) => (name === meta.fork ? null : "it names another fork"));
  await walk.all(ARCHIVES, archiveType, (meta, name) => (name === archiveKey(meta.name) ? null : "it names another archive"));
  await walk.all(DOCUMENTS, documentType, (meta, name) => (name === meta.name ? null : "it names another document"));
  return walk.report;
}

class Walk {
  readonly #parts: VerifyParts;
  readonly report: VerifyReport;

  constructor(parts: VerifyParts) {
    this.#parts = parts;
    this.report = { checked: 0, damaged: [], unsupported: [], foreign: parts.foreign() };
  }

  async #names(place: Place): Promise<string[]> {
    return ((await this.#parts.tree.list(place)) ?? []).flatMap(({ name, kind }) => (kind === "file" ? [name] : []));
  }

  async session(id: string): Promise<void> {
    const { checkpoints, registry } = this.#parts;
    const place = sessionPlace(id);
    const isOf = (meta: { id: string }): string | null => (meta.id === id ? null : "it names another session");
    const before = this.report.damaged.length;
    await this.generations(place, "record", registryType, isOf);
    if (this.report.damaged.length > before) await registry.rewrite(id);
    await this.generations(place, "thought", thoughtType, isOf);
    const shelf = checkpoints.shelf(id);
    for (const file of shelf.files()) {
      await this.#read(shelf.place(file), "checkpoint", async () => {
        await checkpoints.readFile(shelf, file);
      });
    }
    await this.journal(id);
  }

  async journal(id: string): Promise<void> {
    const { journals, quarantine, tree } = this.#parts;
    const place = journalPlace(id);
    if (journalNumber(id) !== null)
      await this.generations(place, "head", headType, (meta) => (meta.id === id ? null : "it names another journal"));
    const segments = (await this.#names(place)).filter((name) => name.startsWith("seg."));
    this.report.checked += segments.length;
    for (let since = 1, more = segments.length > 0; more;) {
      try {
        const read = await journals.read(id, { since, limit: READ_LIMIT_MAX });
        for (const { seq, offset, segment, reason } of read.damage) {
          const shown = seq === undefined ? reason : `entry ${seq}: ${reason}`;
          this.#add(quarantine.report([...place, segment], "journal", shown, `@${offset}`));
        }
        ({ more, next: since } = read);
      } catch (error) {
        if (error instanceof LifeguardError && error.name === "UNSUPPORTED")
          this.report.unsupported.push({ path: tree.shown(place), reason: error.message });
        else this.#add(quarantine.report(place, "journal", `it cannot be read: ${String(error)}`));
        return;
      }
    }
  }

  #add(damage: Damage): void {
    if (!this.report.damaged.includes(damage)) this.report.damaged.push(damage);
  }

  async all<T>(directory: Place, type: RecordType<T>, check: (meta: T, name: string) => string | null): Promise<void> {
    const names = new Set((await this.#names(directory)).map((name) => name.replace(/\.[0-9]+$/, "")));
    for (const name of names) await this.generations(directory, name, type, (meta) => check(meta, name));
  }

  /** Every generation, the spare too: a spare that is damaged is none. */
  async generations<T>(directory: Place, name: string, type: RecordType<T>, check: (meta: T) => string | null): Promise<void> {
    const { tree, quarantine } = this.#parts;
    for (const generation of generationsOf(name, await this.#names(directory))) {
      const place = [...directory, `${name}.${generation}`];
      await this.#read(place, type.kind, async () => {
        const file = await tree.read(place, { max: FILE_BYTES, whole: true });
        if (file === null) return;
        const reading = decodeRecord(type, file);
        const reason = reading.is === "good" ? check(reading.meta) : reading.reason;
        if (reading.is === "unsupported") this.report.unsupported.push({ path: tree.shown(place), reason: reading.reason });
        else if (reason !== null) this.#add(await quarantine.take(place, type.kind, reason));
      });
    }
  }

  async #read(place: Place, kind: string, read: () => Promise<void>): Promise<void> {
    const { quarantine, tree } = this.#parts;
    this.report.checked++;
    try {
      await read();
    } catch (error) {
      if (error instanceof LifeguardError && error.name === "NOT_FOUND") return;
      if (error instanceof LifeguardError && error.name === "UNSUPPORTED")
        this.report.unsupported.push({ path: tree.shown(place), reason: error.message });
      else if (error instanceof LifeguardError && error.name === "DAMAGED") {
        const path = tree.shown(place);
        const damage = quarantine.damages().find((each) => each.path === path);
        if (damage !== undefined) this.#add(damage);
      } else this.#add(quarantine.report(place, kind, `it cannot be read: ${String(error)}`));
    }
  }
}
