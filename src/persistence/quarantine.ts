/**
 * Where damaged files go: `quarantine/<n>-<name>` and beside it `<n>-<name>.reason`. Moved, never copied over, never overwritten;
 * nothing here is read again except for its reason.
 */
import { z } from "zod";
import type { Clock } from "../clock.js";
import { messageOf } from "../errors.js";
import { decodeRecord, encodeRecord, META_BYTES } from "./records.js";
import type { RecordType } from "./records.js";
import type { Place, Tree } from "./tree.js";

/** A file that is not what it should be. */
export interface Damage {
  /** Relative to the store's root, where it was. */
  path: string;
  /** What it is by its place: `session`, `thought`, `checkpoint`, `journal`, `fork`, `archive`, `marks`, … */
  kind: string;
  reason: string;
  /** Relative to the store's root; absent when it was left where it is. */
  quarantined_to?: string;
  at: number;
}

/** Told of each damage once, as it is found. */
export type DamageListener = (damage: Damage) => void;

const reasonType: RecordType<Damage> = {
  kind: "quarantine",
  version: 1,
  schema: z.object({ path: z.string(), kind: z.string(), reason: z.string(), quarantined_to: z.string().exactOptional(), at: z.number() }),
};

const DIRECTORY: Place = ["quarantine"];
const NAME = /^([1-9][0-9]{0,9})-(.+)$/;
/** Damages remembered for `store.status`; the oldest is forgotten, its file stays in quarantine. */
const REMEMBERED = 1_000;

export class Quarantine {
  readonly #tree: Tree;
  readonly #clock: Clock;
  readonly #listener: DamageListener;
  readonly #damages = new Map<string, Damage>();
  #next = 1;

  constructor(tree: Tree, clock: Clock, listener: DamageListener) {
    this.#tree = tree;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** All that is known to be damaged, those in quarantine from earlier lives included. */
  damages(): Damage[] {
    return [...this.#damages.values()];
  }

  /** Reads the reasons of earlier lives; the damage stays reported until a person empties the directory. */
  async load(): Promise<void> {
    for (const { name, kind } of (await this.#tree.list(DIRECTORY)) ?? []) {
      const number = Number(NAME.exec(name)?.[1] ?? 0);
      this.#next = Math.max(this.#next, number + 1);
      if (kind !== "file" || !name.endsWith(".reason")) continue;
      const file = await this.#tree.read([...DIRECTORY, name], { max: META_BYTES }).catch(() => null);
      const reading = file === null ? null : decodeRecord(reasonType, file);
      if (reading?.is === "good") this.#remember(reading.meta);
    }
  }

  /** Something damaged that stays where it is, because what surrounds it is good or the disk refuses to move it. Told once. */
  report(place: Place, kind: string, reason: string, detail = ""): Damage {
    const path = `${this.#tree.shown(place)}${detail}`;
    return this.#tell({ path, kind, reason, at: this.#clock.now() });
  }

  /** Moves a damaged file here. What cannot be moved is reported where it is: one bad file stops nobody. */
  async take(place: Place, kind: string, reason: string): Promise<Damage> {
    const path = this.#tree.shown(place);
    const to = this.#name(place);
    const damage: Damage = { path, kind, reason, quarantined_to: this.#tree.shown(to), at: this.#clock.now() };
    try {
      await this.#tree.write([...DIRECTORY, `${to.at(-1) ?? ""}.reason`], encodeRecord(reasonType, damage));
      await this.#tree.move(place, to);
      return this.#tell(damage);
    } catch (error) {
      return this.#tell({ path, kind, reason: `${reason} (and it could not be moved: ${messageOf(error)})`, at: damage.at });
    }
  }

  /** Keeps bytes that are about to be cut from a file. @throws the error of the disk: then they must not be cut */
  async keep(place: Place, kind: string, reason: string, bytes: Uint8Array): Promise<Damage> {
    const to = this.#name(place);
    const damage: Damage = { path: this.#tree.shown(place), kind, reason, quarantined_to: this.#tree.shown(to), at: this.#clock.now() };
    await this.#tree.write(to, [bytes]);
    await this.#tree.write([...DIRECTORY, `${to.at(-1) ?? ""}.reason`], encodeRecord(reasonType, damage));
    return this.#tell(damage);
  }

  #name(place: Place): Place {
    const name = place
      .slice(1)
      .join("-")
      .slice(-120)
      .replace(/^[^A-Za-z0-9]+/, "");
    return [...DIRECTORY, `${this.#next++}-${name === "" ? (place[0] ?? "file") : name}`];
  }

  #tell(damage: Damage): Damage {
    const key = this.#key(damage);
    if (this.#damages.has(key)) return this.#damages.get(key) ?? damage;
    this.#remember(damage);
    this.#listener(damage);
    return damage;
  }

  #remember(damage: Damage): void {
    this.#damages.set(this.#key(damage), damage);
    if (this.#damages.size > REMEMBERED) this.#damages.delete(this.#damages.keys().next().value ?? "");
  }

  #key(damage: Damage): string {
    return `${damage.path}\n${damage.quarantined_to ?? damage.reason}`;
  }
}

export const QUARANTINE: Place = DIRECTORY;
