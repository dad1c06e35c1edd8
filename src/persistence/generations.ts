/**
 * One thing in numbered files `<name>.<generation>`: the newest good one is the truth, the one before it stays as a spare. The
 * number decides, never a time: a clock may step back, a generation does not.
 */
import type { Quarantine } from "./quarantine.js";
import { decodeRecord, encodeRecord, META_BYTES } from "./records.js";
import type { RecordType } from "./records.js";
import type { Place, Tree } from "./tree.js";

const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** The newest, and one spare. */
const KEPT = 2;

export interface Ground {
  tree: Tree;
  quarantine: Quarantine;
}

export interface Loaded<T> {
  meta: T;
  body: Buffer;
  generation: number;
}

/** The generations among names in a directory, oldest first: numbers in order of number, `10` after `9`. */
export function generationsOf(name: string, names: Iterable<string>): number[] {
  const found: number[] = [];
  for (const candidate of names) {
    if (!candidate.startsWith(`${name}.`)) continue;
    const digits = candidate.slice(name.length + 1);
    if (/^[1-9][0-9]{0,15}$/.test(digits) && Number.isSafeInteger(Number(digits))) found.push(Number(digits));
  }
  return found.toSorted((a, b) => a - b);
}

export class Generations<T> {
  readonly #ground: Ground;
  readonly #directory: Place;
  readonly #name: string;
  readonly #type: RecordType<T>;
  /** On the disk, oldest first. */
  #present: number[];
  /** The generation of a write that failed: the next one takes its place, so that a disk that fails for days leaves no numbers behind. */
  #failed: number | null = null;
  /** Of files that a newer version made: never touched, and nothing is written over them. */
  #unsupported: string | null = null;

  constructor(ground: Ground, directory: Place, name: string, type: RecordType<T>, present: readonly number[] = []) {
    this.#ground = ground;
    this.#directory = directory;
    this.#name = name;
    this.#type = type;
    this.#present = [...present];
  }

  /** Why it is left alone; null when it is ours to write. */
  get unsupported(): string | null {
    return this.#unsupported;
  }

  get newest(): number {
    return this.#present.at(-1) ?? 0;
  }

  #file(generation: number): string {
    return `${this.#name}.${generation}`;
  }

  #place(generation: number): Place {
    return [...this.#directory, this.#file(generation)];
  }

  /**
   * The newest good one; null when there is none. Damaged ones on the way go to quarantine, one that cannot be read now stays.
   * @param check what else must hold of it, for example that it names the place it is in: a reason, or null
   */
  async load(check: (meta: T) => string | null = () => null): Promise<Loaded<T> | null> {
    const { tree, quarantine } = this.#ground;
    for (const generation of this.#present.toReversed()) {
      const place = this.#place(generation);
      let file: Buffer | null;
      try {
        file = await tree.read(place, { max: MAX_FILE_BYTES + META_BYTES, whole: true });
      } catch (error) {
        quarantine.report(place, this.#type.kind, `it cannot be read: ${String(error)}`);
        continue;
      }
      if (file === null) continue;
      const reading = decodeRecord(this.#type, file);
      if (reading.is === "unsupported") {
        this.#unsupported = reading.reason;
        return null;
      }
      const reason = reading.is === "damaged" ? reading.reason : check(reading.meta);
      if (reading.is === "good" && reason === null) return { meta: reading.meta, body: reading.body, generation };
      const damage = await quarantine.take(place, this.#type.kind, reason ?? "damaged");
      // The number stays taken: a generation is never used twice.
      if (damage.quarantined_to !== undefined)
        this.#present = this.#present.filter((other) => other !== generation || other === this.newest);
    }
    return null;
  }

  /** Writes the next generation; resolves when it is durable, then takes away those before the spare. @throws the disk's error */
  async save(meta: T, body: readonly Uint8Array[] = []): Promise<number> {
    return await this.#write(encodeRecord(this.#type, meta, body));
  }

  /** As {@link save}, without content: for a disk that has no room for any, where the name alone says enough. */
  async saveName(): Promise<number> {
    return await this.#write([]);
  }

  async #write(content: readonly Uint8Array[]): Promise<number> {
    const { tree } = this.#ground;
    const generation = this.#failed ?? this.newest + 1;
    // Counted before the attempt: a failed one may have left its file under the name.
    if (this.#failed === null) this.#present.push(generation);
    this.#failed = generation;
    const old = this.#present.slice(0, -KEPT).map((each) => this.#file(each));
    await tree.write(this.#place(generation), content, old);
    this.#failed = null;
    this.#present = this.#present.slice(-KEPT);
    return generation;
  }

  /** Takes all of them away, the newest last, so that what is left after a crash is never an older truth. Durable. */
  async remove(): Promise<boolean> {
    let existed = false;
    for (const generation of this.#present) existed = (await this.#ground.tree.unlink(this.#place(generation))) || existed;
    // Also when there was nothing to take away: it may be a second try, after a first that could not make it durable.
    await this.#ground.tree.seal(this.#directory);
    this.#present = [];
    return existed;
  }
}
