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
  return left;
}

export async function clearJournal(tree: Tree, place: Place): Promise<string[]> {
  return await clearDirectory(tree, place, OURS.journal);
}

/** Durable. A name that a newer file needs to be understood is not taken before it: order does not matter after a tombstone. */
async function clearDirectory(tree: Tree, place: Place, ours: RegExp): Promise<string[]> {
  const listed = await tree.list(place);
  if (listed === null) return [];
  const left: string[] = [];
  for (const { name, kind } of listed) {
    if (kind === "file" && isTemporary(name)) await tree.unlinkTemporary(place, name);
    else if (kind === "file" && ours.test(name)) await tree.unlink([...place, name]);
    else left.push(`${tree.shown(place)}/${name}`);
  }
  if (left.length === 0) {
    await tree.removeDirectory(place);
    await tree.seal(place.slice(0, -1));
  } else await tree.seal(place);
  return left;
}
