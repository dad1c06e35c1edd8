/** Taking away what is ours from a directory, and the directory when nothing else is in it. Files of others stay. */
import { OURS } from "./places.js";
import type { Place, Tree } from "./tree.js";
import { isTemporary } from "./tree.js";

/** @returns what stayed */
export async function clearSession(tree: Tree, place: Place): Promise<string[]> {
  const left = [
    ...(await clearDirectory(tree, [...place, "checkpoints"], OURS.checkpoints)),
    ...(await clearDirectory(tree, [...place, "journal"], OURS.journal)),
    ...(await clearDirectory(tree, place, OURS.session)),
  ];
  await tree.seal(place.slice(0, -1));
  return left;
}

export async function clearJournal(tree: Tree, place: Place): Promise<string[]> {
  const left = await clearDirectory(tree, place, OURS.journal);
  await tree.seal(place.slice(0, -1));
  return left;
}

/**
 * Durable when the directory above is sealed, which is for the caller: also when there is nothing any more, because that may be a
 * second try. Order does not matter after a tombstone.
 */
async function clearDirectory(tree: Tree, place: Place, ours: RegExp): Promise<string[]> {
  const listed = await tree.list(place);
  if (listed === null) return [];
  const left: string[] = [];
  for (const { name, kind } of listed) {
    if (kind === "file" && isTemporary(name)) await tree.unlinkTemporary(place, name);
    else if (kind === "file" && ours.test(name)) await tree.unlink([...place, name]);
    else left.push(`${tree.shown(place)}/${name}`);
  }
  if (left.length === 0) await tree.removeDirectory(place);
  else await tree.seal(place);
  return left;
}
