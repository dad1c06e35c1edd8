/** The checkpoints of one session: which files there are is known from their names; rows come from the index or the files. */
import type { Ground } from "./generations.js";
import { misplaced } from "./checkpoint-file.js";
import { checkpointName, checkpointsPlace, parseCheckpointName, sessionPlace } from "./places.js";
import type { Damage } from "./quarantine.js";
import { decodeRecord, encodeRecord, META_BYTES, metaPrefix } from "./records.js";
import { checkpointIndexType, checkpointType } from "./record-shapes.js";
import type { CheckpointKind, CheckpointRow } from "./record-shapes.js";
import type { Place } from "./tree.js";

export interface Shelved {
  uuid: string;
  generation: number;
  kind: CheckpointKind;
  row: CheckpointRow | null;
  /** Digest of the contents; null until the row is known. */
  content: string | null;
  unsupported: string | null;
}

const FIRST_LOOK = 4_096;

export class Shelf {
  readonly session: string;
  readonly #ground: Ground;
  readonly #files = new Map<string, Shelved>();
  /** Oldest first. */
  #order: Shelved[] = [];
  #highest = 0;
  /** The index on the disk says something else than we know. */
  #behind = false;

  constructor(ground: Ground, session: string) {
    this.#ground = ground;
    this.session = session;
  }

  /** Takes over the names in its directory; answers those that are not ours. */
  found(names: Iterable<string>): string[] {
    const foreign: string[] = [];
    for (const name of names) {
      const parsed = parseCheckpointName(name);
      if (parsed === null) {
        foreign.push(name);
        continue;
      }
      this.#highest = Math.max(this.#highest, parsed.generation);
      const there = this.#files.get(parsed.uuid);
      // A UUID is one checkpoint: should there be two files of it, the newer generation is the one.
      if (there !== undefined && there.generation > parsed.generation) continue;
      this.#files.set(parsed.uuid, { ...parsed, row: null, content: null, unsupported: null });
    }
    this.#order = [...this.#files.values()].toSorted((a, b) => a.generation - b.generation);
    return foreign;
  }

  get size(): number {
    return this.#files.size;
  }

  nextGeneration(): number {
    return ++this.#highest;
  }

  place(file: Pick<Shelved, "uuid" | "generation" | "kind">): Place {
    return [...checkpointsPlace(this.session), checkpointName(file.generation, file.kind, file.uuid)];
  }

  file(uuid: string): Shelved | undefined {
    return this.#files.get(uuid);
  }

  /** Newest first. */
  files(): Shelved[] {
    return this.#order.toReversed();
  }

  newest(): Shelved | undefined {
    return this.#order.at(-1);
  }

  /** Oldest first. */
  ofKinds(kinds: readonly CheckpointKind[]): Shelved[] {
    return this.#order.filter(({ kind }) => kinds.includes(kind));
  }

  add(row: CheckpointRow, content: string): void {
    const file: Shelved = { uuid: row.checkpoint, generation: row.generation, kind: row.kind, row, content, unsupported: null };
    this.#files.set(file.uuid, file);
    this.#order.push(file);
    this.#behind = true;
  }

  delete(uuid: string): void {
    const file = this.#files.get(uuid);
    if (file === undefined) return;
    this.#files.delete(uuid);
    this.#order.splice(this.#order.indexOf(file), 1);
    this.#behind = true;
  }

  /**
   * Makes sure that the row of each file is known: from the index, and of those it does not know from their beginnings.
   * @returns what was damaged; those are off the shelf
   */
  async complete(): Promise<{ file: Shelved; damage: Damage }[]> {
    if (this.#order.every(isKnown)) return [];
    await this.#readIndex();
    const damaged: { file: Shelved; damage: Damage }[] = [];
    for (const file of this.files()) {
      const damage = await this.know(file);
      if (damage !== null) damaged.push({ file, damage });
    }
    return damaged;
  }

  /** Reads the row of one file. What is damaged goes to quarantine and off the shelf; what cannot be read now stays unknown. */
  async know(file: Shelved): Promise<Damage | null> {
    if (isKnown(file)) return null;
    this.#behind = true;
    let damage: Damage | null;
    try {
      damage = await this.#readRow(file);
    } catch (error) {
      this.#ground.quarantine.report(this.place(file), "checkpoint", `it cannot be read: ${String(error)}`);
      return null;
    }
    if (damage !== null) this.delete(file.uuid);
    return damage;
  }

  async #readRow(file: Shelved): Promise<Damage | null> {
    const { tree, quarantine } = this.#ground;
    const place = this.place(file);
    const fileBytes = (await tree.inspect(place))?.bytes;
    let beginning = await tree.read(place, { max: FIRST_LOOK });
    if (beginning === null || fileBytes === undefined) {
      this.delete(file.uuid);
      return null;
    }
    const wanted = metaPrefix(beginning) ?? 0;
    if (wanted > beginning.length) beginning = (await tree.read(place, { max: Math.min(wanted, META_BYTES) })) ?? beginning;
    const reading = decodeRecord(checkpointType, beginning, { metaOnly: true, fileBytes });
    if (reading.is === "unsupported") {
      file.unsupported = reading.reason;
      return null;
    }
    const reason = reading.is === "damaged" ? reading.reason : misplaced(reading.meta.row, this.session, file);
    if (reading.is === "good" && reason === null) {
      file.row = reading.meta.row;
      file.content = reading.meta.content;
      return null;
    }
    return await quarantine.take(place, "checkpoint", reason ?? "damaged");
  }

  #indexPlace(): Place {
    return [...sessionPlace(this.session), "checkpoints.index"];
  }

  /** A row is believed when there is a file of its name and generation; what else the index says is nobody's truth. */
  async #readIndex(): Promise<void> {
    const file = await this.#ground.tree.read(this.#indexPlace(), { max: 64 * 1024 * 1024 }).catch(() => null);
    const reading = file === null ? null : decodeRecord(checkpointIndexType, file);
    if (reading?.is !== "good" || reading.meta.session !== this.session) return;
    for (const { content, ...row } of reading.meta.rows) {
      const there = this.#files.get(row.checkpoint);
      if (there === undefined || there.row !== null || misplaced(row, this.session, there) !== null) continue;
      there.row = row;
      there.content = content;
    }
  }

  /** Writes the index when it is behind. A cache: nothing depends on it, so nothing waits for it either. */
  async writeIndex(): Promise<void> {
    if (!this.#behind || this.#files.size === 0) return;
    const rows = this.files().flatMap(({ row, content }) => (row === null || content === null ? [] : [{ ...row, content }]));
    const parts = encodeRecord(checkpointIndexType, { session: this.session, rows });
    await this.#ground.tree.writeCache(this.#indexPlace(), Buffer.concat(parts));
    this.#behind = false;
  }
}

function isKnown(file: Shelved): boolean {
  return file.row !== null || file.unsupported !== null;
}
