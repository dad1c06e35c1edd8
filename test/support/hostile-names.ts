/** What nobody may get into a path, a log or a table by calling something so. */
export const HOSTILE: readonly string[] = [
  "..",
  "",
  ".",
  "/",
  "a/../..",
  "../../etc/passwd",
  "/etc/passwd",
  "a/b",
  "a\\..\\b",
  "a\0b",
  "\0",
  "a".repeat(300),
  "CON",
  "nul.txt",
  "LPT1",
  " ",
  "a\nb",
  "\u001b[2J",
  // Look like `..`, `sess_1`, `a/b` and an invisible end.
  "‥",
  "．．",
  "ѕеѕѕ_1",
  "a∕b",
  "a\u202eb",
  "a\u200b",
];

/** Hostile as an id, a session's or another's: also those that are fine as text. */
export const HOSTILE_IDS: readonly string[] = [
  ...HOSTILE,
  "sess_0",
  "sess_-1",
  "sess_01",
  "sess_1/../sess_2",
  "sess_99999999999999999999",
  "jrnl_0",
  "jrnl_../..",
  "jrnl_1/..",
  "00000000-0000-0000-0000-00000000000g",
  "../00000000-0000-0000-0000-000000000000",
];
