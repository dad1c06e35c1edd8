/**
 * Writes man/lifeguard.1 from the records of the verbs (`node scripts/write-man-pages.mjs`, after a build).
 * A test holds the page against the records, and says to run this.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What groff and mandoc take as it is: any other character is named by its code point. */
const PRINTABLE = /[^\x20-\x7e]/gu;
const CONTROL = /^([.'])/gm;

/** Text as roff shows it: nothing of it is a request, an escape, or a character that the output device may lack. */
export function escaped(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("…", "...")
    .replaceAll(PRINTABLE, (character) =>
      character === "\n" ? "\n" : `\\[u${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .replaceAll(CONTROL, "\\&$1");
}

/**
 * The whole page. The date is left out: the page must be the same whoever writes it, and whenever.
 * @param records of all verbs, in the order of the help
 * @param globals options of every verb
 */
export function manPage(records, globals, version) {
  return [
    '.\\" Written by scripts/write-man-pages.mjs from the records of the verbs: do not edit.',
    `.TH LIFEGUARD 1 "" "lifeguard ${escaped(version)}" "User Commands"`,
    ".nh",
    ".ad l",
    ".SH NAME",
    "lifeguard \\- keep many terminal sessions alive, and let any program drive them",
    ".SH SYNOPSIS",
    ".B lifeguard",
    ".I verb",
    "[\\fIoptions\\fR] [\\fIarguments\\fR]",
    ".SH DESCRIPTION",
    paragraph(
      "A headless daemon keeps terminal sessions (coding agents, shells, builds) alive, knows what each of them is doing, and lets any program drive them over a Unix socket. Each verb is one call of that daemon. A verb that makes or changes sessions starts the daemon when none runs; a verb that only looks never does.",
    ),
    ".PP",
    paragraph(
      "Where a session is meant, its id, its name, or the beginning of either will do when only one session begins so; kill, restart and rm take whole ids and names only.",
    ),
    ".SH VERBS",
    ...records.flatMap(verbText),
    ".SH OPTIONS OF EVERY VERB",
    ...optionsText([...globals, { flags: "-h, --help", description: "what the verb does and takes" }]),
    ".SH EXIT STATUS",
    ...[
      ["0", "done"],
      ["1", "failed"],
      ["2", "wrong words on the command line"],
      ["3", "no such session"],
      ["4", "the time is over"],
      ["5", "cannot reach the daemon"],
    ].flatMap(([code, meaning]) => tagged(`.B ${code}`, meaning)),
    ".SH ENVIRONMENT",
    ...[
      ["LIFEGUARD_HOME", "everything below this one directory, for a second instance or a try"],
      ["LIFEGUARD_SOCKET", "the socket alone"],
      ["LIFEGUARD_STATE_DIR, LIFEGUARD_RUNTIME_DIR, LIFEGUARD_CONFIG", "each place by itself"],
      ["LIFEGUARD_SESSION", "set for the programs in a session: its id"],
      ["NO_COLOR", "no colours"],
    ].flatMap(([names, meaning]) => tagged(`.B ${escaped(names)}`, meaning)),
    ".SH FILES",
    ...[
      ["~/.config/lifeguard/config.toml", "the configuration; all of it is optional"],
      ["$XDG_RUNTIME_DIR/lifeguard/lifeguard.sock", "the socket; without XDG_RUNTIME_DIR it is run/lifeguard.sock in the state directory"],
      ["~/.local/state/lifeguard", "the state: what is kept, raw output, logs"],
    ].flatMap(([names, meaning]) => tagged(`.I ${escaped(names)}`, meaning)),
    ".SH SEE ALSO",
    paragraph("The directory docs of the package: protocol.md, semantics.md, service.md, clients.md, detection.md, storage.md, errors.md."),
    "",
  ].join("\n");
}

function verbText(record) {
  const synopsis = [
    `\\fBlifeguard ${escaped(record.name)}\\fR`,
    ...(record.arguments ?? []).map(({ name }) => `\\fI${escaped(name)}\\fR`),
    ...((record.options ?? []).some(({ hidden }) => hidden !== true) ? ["[\\fIoptions\\fR]"] : []),
  ].join(" ");
  return [
    `.SS ${escaped(record.name)}`,
    synopsis,
    ".PP",
    paragraph(sentence(record.summary)),
    ...(record.details === undefined ? [] : [".PP", paragraph(record.details)]),
    ...(record.arguments ?? []).flatMap(({ name, description }) => tagged(`.I ${escaped(name)}`, description)),
    ...optionsText((record.options ?? []).filter(({ hidden }) => hidden !== true)),
    ".PP",
    "Example:",
    ".PP",
    ".nf",
    ".RS 4",
    escaped(record.example),
    ".RE",
    ".fi",
  ];
}

function optionsText(options) {
  return options.flatMap(({ flags, description }) => tagged(`.B ${escaped(flags)}`, description));
}

const tagged = (tag, text) => [".TP", tag, paragraph(text)];
/** One source line for each line: roff fills them. An empty line would break the paragraph in its own way. */
const paragraph = (text) => escaped(text).replaceAll(/\n\s*\n/g, "\n.PP\n");
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { VERBS, GLOBAL_OPTIONS } = await import("../dist/cli/verbs.js");
  const { createRequire } = await import("node:module");
  const { version } = createRequire(import.meta.url)("../package.json");
  const records = await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb.record));
  const directory = new URL("../man/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  writeFileSync(new URL("lifeguard.1", directory), manPage(records, GLOBAL_OPTIONS, version));
}
