/**
 * `node scripts/complete-lock.mjs`, after any `npm install` that changed package-lock.json.
 *
 * npm leaves a package for another system out of the lock when the registry at hand does not have it, and then `npm ci` refuses
 * the lock everywhere as incomplete. This adds what is missing: name, version and system are known without asking anybody. Such
 * entries have no integrity; whoever runs that system has npm ask their registry for it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SYSTEM =
  /(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|aix|win32)-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)/;

/** The packages that some entry names as optional and that the lock does not hold: path → entry. */
export function missingFrom(lock) {
  const missing = {};
  for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`;
      const [, os, cpu] = SYSTEM.exec(name) ?? [];
      if (os === undefined || Object.keys(lock.packages).some((known) => known === path || known.endsWith(`/${path}`))) continue;
      const libc =
        name.endsWith("-musl") || name.endsWith("-musleabihf") ? "musl" : os === "linux" && /-gnu/.test(name) ? "glibc" : undefined;
      missing[path] = {
        version: version.replace(/^[\^~]/, ""),
        cpu: [cpu],
        ...(dev === true && { dev }),
        ...(libc !== undefined && { libc: [libc] }),
        optional: true,
        os: [os],
      };
    }
  }
  return missing;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
  const lock = JSON.parse(readFileSync(path, "utf8"));
  const missing = missingFrom(lock);
  const [own, ...others] = Object.entries({ ...lock.packages, ...missing });
  lock.packages = Object.fromEntries([own, ...others.sort(([a], [b]) => a.localeCompare(b, "en"))]);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${Object.keys(missing).length} packages for other systems added to package-lock.json\n`);
}
