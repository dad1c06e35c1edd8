/** A file of settings that is left as it is, because it does not read as what it should be. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  /** `3:14`: line and column from 1, where there is a place to name. */
  readonly place: string | null;

  constructor(message: string, text?: string, at?: number) {
    super(message);
    const lines = text === undefined || at === undefined ? null : text.slice(0, at).split("\n");
    this.place = lines === null ? null : `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
  }
}
