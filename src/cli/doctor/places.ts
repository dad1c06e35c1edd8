/** Directories, the socket's path, room on the disk: what is wrong before any daemon could be. */
import { existsSync, lstatSync, statSync, statfsSync } from "node:fs";
import type { Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MAX_SOCKET_PATH } from "../../paths.js";
import { briefBytes } from "../sizes.js";
import { aside, asRoot, ok, problem, quoted, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import type { Surroundings } from "./surroundings.js";

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0");

function lookAt(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Ours, a directory, closed to others. */
export function checkDirectories({ paths }: Surroundings): Finding[] {
  return [
    ...directory("state directory", paths.state),
    ...directory("runtime directory", paths.runtime),
    ...configFile(paths.config),
    ...networkFiles("state directory", paths.state),
  ];
}

function directory(check: string, path: string): Finding[] {
  let found: Stats;
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined) return [ok(check, `${path} is not there yet: the daemon makes it`)];
    found = there;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const parent = dirname(path);
    if (code === "ENOTDIR")
      return [problem(check, `${parent} is in the way: it is a file`, `mv ${quoted(parent)} ${quoted(aside(parent, existsSync))}`)];
    return [problem(check, `${path} cannot be looked at: ${code}`, asRoot(`ls -ld ${quoted(parent)}`), "somebody else owns what it is in")];
  }
  if (!found.isDirectory())
    return [
      problem(
        check,
        `${path} is no directory`,
        `mv ${quoted(path)} ${quoted(aside(path, existsSync))}`,
        "the daemon makes a directory there",
      ),
    ];
  const own = process.getuid?.();
  if (own !== undefined && found.uid !== own)
    return [
      problem(
        check,
        `${path} belongs to uid ${found.uid}, you are ${own}: the daemon could neither write there nor trust what it finds`,
        asRoot(`chown -R ${own}:${process.getgid?.() ?? own} ${quoted(path)}`),
      ),
    ];
  if ((found.mode & 0o077) !== 0)
    return [
      problem(
        check,
        `${path} has mode ${octal(found.mode)}: other users reach what is in it, and it holds what agents print`,
        `chmod 700 ${quoted(path)}`,
      ),
    ];
  if ((found.mode & 0o700) !== 0o700)
    return [problem(check, `${path} has mode ${octal(found.mode)}: its owner cannot use it`, `chmod 700 ${quoted(path)}`)];
  return [ok(check, `${path}, ${octal(found.mode)}`)];
}

function configFile(path: string): Finding[] {
  const found = lookAt(path);
  if (found === null) return [];
  const mode = existsSync(path) ? statSync(path).mode : found.mode;
  if ((mode & 0o022) === 0) return [];
  return [
    problem(
      "configuration",
      `${path} has mode ${octal(mode)}: other users may write into it, and it names programs that the daemon runs`,
      `chmod go-w ${quoted(path)}`,
    ),
  ];
}

/** statfs(2): NFS, SMB, SMB2, CIFS, AFS, Coda, 9p. */
const NETWORK = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB"],
  [0xff534d42, "CIFS"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x01021997, "9p"],
]);

function networkFiles(check: string, path: string): Finding[] {
  const there = existingPart(path);
  if (there === null || process.platform !== "linux") return [];
  const kind = NETWORK.get(statfsSync(there).type >>> 0);
  if (kind === undefined) return [];
  return [
    warning(
      check,
      `${path} is on ${kind}: locks and mapped files over a network are not to be relied on, and a server that hangs holds up writes`,
      `export LIFEGUARD_STATE_DIR=${quoted(`/var/tmp/lifeguard-${process.getuid?.() ?? 0}`)}`,
      "any directory of yours on a local disk will do",
    ),
  ];
}

/** Of a path, as much as is there; null when that is nothing. */
export function existingPart(path: string): string | null {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at)) return at;
    if (at === dirname(at)) return null;
  }
}

/** Short enough for a socket; what is there is a socket, and its owner's alone. */
export function checkSocketPath({ paths, env, socketFlag }: Surroundings): Finding[] {
  const { socket } = paths;
  const bytes = Buffer.byteLength(socket);
  if (bytes > MAX_SOCKET_PATH) {
    const said = socketFlag !== undefined ? "" : ["LIFEGUARD_SOCKET", "LIFEGUARD_RUNTIME_DIR"].find((name) => (env[name] ?? "") !== "");
    const shorter = shortPlace(env);
    return [
      problem(
        "socket",
        `its path has ${bytes} bytes, this system takes ${MAX_SOCKET_PATH}: ${socket}`,
        `mkdir -p -m 700 ${quoted(shorter)} && export LIFEGUARD_SOCKET=${quoted(join(shorter, "lifeguard.sock"))}`,
        said === "" ? "and leave --socket away" : "and put it into your shell's profile, so that every shell finds the daemon",
      ),
    ];
  }
  const found = lookAt(socket);
  if (found === null) return [];
  if (!found.isSocket())
    return [
      problem(
        "socket",
        `${socket} is there and is no socket: the daemon cannot listen, and does not remove what it did not make`,
        `mv ${quoted(socket)} ${quoted(aside(socket, existsSync))}`,
      ),
    ];
  if ((found.mode & 0o077) !== 0)
    return [problem("socket", `${socket} has mode ${octal(found.mode)}: it is its owner's alone`, `chmod 600 ${quoted(socket)}`)];
  return [];
}

function shortPlace(env: NodeJS.ProcessEnv): string {
  const runtime = env["XDG_RUNTIME_DIR"] ?? "";
  const places = [
    ...(runtime.startsWith("/") && existsSync(runtime) ? [join(runtime, "lifeguard")] : []),
    join(env["HOME"] ?? "/nowhere", ".lifeguard"),
  ];
  const fits = (place: string): boolean => Buffer.byteLength(join(place, "lifeguard.sock")) <= MAX_SOCKET_PATH;
  return places.find(fits) ?? `/tmp/lifeguard-${process.getuid?.() ?? 0}`;
}

/** Below this the next checkpoint with a large context would not fit. */
const NO_ROOM_BYTES = 16 * 1_048_576;
const LITTLE_ROOM_BYTES = 256 * 1_048_576;

export interface Room {
  free: number;
  level: "ok" | "warning" | "problem";
  what: string;
}

/** Room where the state directory is. The remedy is the daemon's to know: what could be pruned. */
export function roomFor(state: string): Room | null {
  const there = existingPart(state);
  if (there === null) return null;
  const { bavail, blocks, bsize, files, ffree } = statfsSync(there);
  const free = bavail * bsize;
  const share = blocks === 0 ? 1 : bavail / blocks;
  const what = `${briefBytes(free)} free (${(share * 100).toFixed(0)} %) where ${basename(state)} is: ${state}`;
  if (files > 0 && ffree === 0) return { free: 0, level: "problem", what: `no inode is free where ${state} is` };
  if (free < NO_ROOM_BYTES) return { free, level: "problem", what };
  return { free, level: free < LITTLE_ROOM_BYTES && share < 0.05 ? "warning" : "ok", what };
}
