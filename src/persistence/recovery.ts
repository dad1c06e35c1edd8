/**
 * What a start does: looks at every directory once, sweeps what writes under way left, finishes removals, and reads the small
 * files. One bad file is moved aside or reported; it stops neither another session nor the start.
 */
import { messageOf } from "../errors.js";
import { sessionNumber } from "../session.js";
import type { FileArchives } from "./archives.js";
import type { FileCheckpoints } from "./checkpoints.js";
import { journalNumber } from "./checks.js";
import type { FileDocuments } from "./documents.js";
import type { FileForks } from "./forks.js";
import { generationsOf } from "./generations.js";
import type { Ground } from "./generations.js";
import type { FileIds } from "./ids.js";
import type { FileJournals } from "./journals.js";
import {
  ARCHIVES,
  DIRECTORIES,
  DOCUMENTS,
  FORKS,
  journalPlace,
  JOURNALS,
  OURS,
  parseCheckpointName,
  sessionPlace,
  SESSIONS,
  TOMBSTONES,
} from "./places.js";
import { QUARANTINE } from "./quarantine.js";
import type { RegistryRecord } from "./record-shapes.js";
import type { FileRegistry } from "./registry.js";
import { clearJournal, clearSession } from "./removal.js";
import type { RecoveryReport } from "./store.js";
import type { FileThoughts } from "./thoughts.js";
import type { Tombstones } from "./tombstones.js";
import { isTemporary } from "./tree.js";
import type { Place } from "./tree.js";

export interface RecoveryParts extends Ground {
  ids: FileIds;
  tombstones: Tombstones;
  registry: FileRegistry;
  thoughts: FileThoughts;
  checkpoints: FileCheckpoints;
  forks: FileForks;
  archives: FileArchives;
  documents: FileDocuments;
  journals: FileJournals;
}

/** Sessions looked at at once: reads are bounded below, this only keeps them busy. */
const AT_ONCE = 8;

export class Recovery {
  readonly #parts: RecoveryParts;
  readonly report: Omit<RecoveryReport, "ms" | "damaged" | "sessions" | "journals" | "checkpoints"> = {
    temporaries_swept: 0,
    removals_finished: [],
    unsupported: [],
    foreign: [],
  };

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { tree, quarantine, ids, archives, documents, checkpoints } = this.#parts;
    for (const place of DIRECTORIES) await tree.makeDirectory(place);
    await this.#look(
      [],
      /^(format|marks)\.[1-9][0-9]{0,15}$|^journals\.index$/,
      [...DIRECTORIES, QUARANTINE].map(([name]) => name ?? ""),
    );
    await this.#guarded(QUARANTINE, "quarantine", async () => {
      await this.#look(QUARANTINE, /./);
      await quarantine.load();
    });
    for (const damage of quarantine.damages()) {
      const lost = parseCheckpointName(damage.path.split("/").at(-1) ?? "");
      if (damage.kind === "checkpoint" && lost !== null) checkpoints.foundDamaged(lost.uuid, damage);
    }
    await this.#finishRemovals();

    const sessions = await this.#directories(SESSIONS, sessionNumber);
    const ownJournals = await this.#directories(JOURNALS, journalNumber);
    for (const id of sessions) ids.seen("session", sessionNumber(id) ?? 0);
    for (const id of ownJournals) ids.seen("journal", journalNumber(id) ?? 0);
    await tree.sealChildren(SESSIONS, sessions);
    await tree.sealChildren(JOURNALS, ownJournals);
    await inTurns(sessions, (id) => this.#guarded(sessionPlace(id), "session", () => this.#loadSession(id)));
    await inTurns(ownJournals, (id) => this.#guarded(journalPlace(id), "journal", () => this.#loadJournal(id)));

    for (const [key, names] of await this.#grouped(ARCHIVES, /^([0-9a-f]{64})\./)) archives.found(key, generationsOf(key, names));
    for (const [name, names] of await this.#grouped(DOCUMENTS, /^(thought-config)\./))
      await documents.load("thought-config", generationsOf(name, names));
    for (const [fork, names] of await this.#grouped(FORKS, /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\./)) {
      await this.#guarded([...FORKS, fork], "fork", async () =>
        this.#unsupported([...FORKS, fork], await this.#parts.forks.load(fork, generationsOf(fork, names))),
      );
    }
    for (const fork of this.#parts.forks.list()) ids.seen("session", sessionNumber(fork.forked_session) ?? 0);
  }

  /** A session or journal that cannot be read is reported; the others are read on. */
  async #guarded(place: Place, kind: string, read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      this.#parts.quarantine.report(place, kind, `it cannot be read: ${messageOf(error)}`);
    }
  }

  /** The files and directories of ours in a directory; sweeps temporaries, reports the rest, links above all. */
  async #look(place: Place, ours: RegExp, directories: readonly string[] = []): Promise<{ names: string[]; directories: Set<string> }> {
    const { tree } = this.#parts;
    const names: string[] = [];
    const found = new Set<string>();
    for (const { name, kind } of (await tree.list(place)) ?? []) {
      if (kind === "file" && isTemporary(name)) {
        await tree.unlinkTemporary(place, name).then(
          () => this.report.temporaries_swept++,
          () => undefined,
        );
      } else if (kind === "file" && ours.test(name)) names.push(name);
      else if (kind === "directory" && directories.includes(name)) found.add(name);
      else this.#foreign(place, name);
    }
    return { names, directories: found };
  }

  #foreign(place: Place, name: string): void {
    this.report.foreign.push([...place, name].join("/"));
  }

  #unsupported(place: Place, reason: string | null): void {
    if (reason !== null) this.report.unsupported.push({ path: this.#parts.tree.shown(place), reason });
  }

  /** Directories of ids; what is there besides is reported, a symbolic link of such a name too. */
  async #directories(place: Place, number: (id: string) => number | null): Promise<string[]> {
    const found: string[] = [];
    for (const { name, kind } of (await this.#parts.tree.list(place)) ?? []) {
      if (kind === "directory" && Number.isSafeInteger(number(name))) found.push(name);
      else this.#foreign(place, name);
    }
    return found.toSorted((a, b) => (number(a) ?? 0) - (number(b) ?? 0));
  }

  async #grouped(place: Place, pattern: RegExp): Promise<Map<string, string[]>> {
    const groups = new Map<string, string[]>();
    for (const name of (await this.#look(place, pattern)).names) {
      const key = pattern.exec(name)?.[1] ?? "";
      if (generationsOf(key, [name]).length === 0) this.#foreign(place, name);
      else groups.set(key, [...(groups.get(key) ?? []), name]);
    }
    return groups;
  }

  async #finishRemovals(): Promise<void> {
    const { tree, tombstones, ids } = this.#parts;
    for (const [id, names] of await this.#grouped(TOMBSTONES, /^((?:sess|jrnl)_[1-9][0-9]{0,15})\./)) {
      tombstones.found(id, generationsOf(id, names));
      const session = sessionNumber(id);
      // Also when its removal cannot be finished now.
      ids.seen(session === null ? "journal" : "session", session ?? journalNumber(id) ?? 0);
      await this.#guarded([...TOMBSTONES, id], "tombstone", async () => {
        const left = session === null ? await clearJournal(tree, journalPlace(id)) : await clearSession(tree, sessionPlace(id));
        this.report.removals_finished.push(id);
        // Before the last trace of the number goes.
        await tombstones.done(id, left, () =>
          session === null ? ids.firm("journal", journalNumber(id) ?? 0) : ids.firm("session", session),
        );
      });
    }
  }

  async #loadSession(id: string): Promise<void> {
    const { tree, registry, thoughts, checkpoints, tombstones } = this.#parts;
    if (tombstones.has(id)) return;
    const place = sessionPlace(id);
    const { names, directories } = await this.#look(place, OURS.session, ["checkpoints", "journal"]);
    const inside = async (name: string, ours: RegExp): Promise<string[]> =>
      directories.has(name) ? (await this.#look([...place, name], ours)).names : [];
    const shelved = await inside("checkpoints", OURS.checkpoints);
    const segments = await inside("journal", OURS.journal);
    checkpoints.found(id, shelved);
    const loaded = await registry.load(id, generationsOf("record", names));
    this.#unsupported(place, loaded.unsupported);
    await thoughts.load(id, generationsOf("thought", names));
    if (loaded.record !== null || loaded.unsupported !== null) return;
    if (shelved.length > 0) await this.#fromCheckpoint(id);
    else if (names.length + segments.length > 0 || !(await tree.removeDirectory(place))) this.#foreign(SESSIONS, id);
  }

  /** The registry's file of this session is lost; its newest checkpoint says enough to list it and to start it again. */
  async #fromCheckpoint(id: string): Promise<void> {
    const { checkpoints, registry, quarantine } = this.#parts;
    const { checkpoint } = await checkpoints.newest(id);
    const record: RegistryRecord = {
      id,
      spec: checkpoint.spec,
      state: "exited",
      state_since: checkpoint.created_at,
      evidence: null,
      created_at: checkpoint.created_at,
      started_at: null,
      last_activity_at: checkpoint.created_at,
      exit: { code: null, signal: null, at: checkpoint.created_at, reason: "lost" },
      epoch: checkpoint.epoch,
      restarts: 0,
      killing: false,
      offset: checkpoint.offset,
      title: "",
      cwd: checkpoint.spec.cwd,
      conversation_id: null,
      token_count: null,
      pinned: false,
      parent_checkpoint: null,
      details: {},
    };
    registry.adopt(record);
    quarantine.report(sessionPlace(id), "session", `its record is lost; it was made again from checkpoint ${checkpoint.checkpoint}`);
  }

  async #loadJournal(id: string): Promise<void> {
    const { journals, tombstones, tree } = this.#parts;
    if (tombstones.has(id)) return;
    const place = journalPlace(id);
    const { names } = await this.#look(place, OURS.journal);
    if (names.length === 0) {
      if (!(await tree.removeDirectory(place))) this.#foreign(JOURNALS, id);
      return;
    }
    this.#unsupported(place, (await journals.load(id, names)).unsupported);
  }
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
