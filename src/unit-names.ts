/** Names of the units that `service install` writes and the daemon asks for. */

/** A version as a unit's instance; systemd's `%I` gives it back as it was. */
export function unitInstance(version: string): string {
  return version.replaceAll(/[^A-Za-z0-9:_.]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The unit of the keeper of a version. */
export function keeperUnit(version: string): string {
  return `lifeguard-keeper@${unitInstance(version)}.service`;
}
