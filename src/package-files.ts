/** Files of this package, by where they are in it: code that runs is in one file with other code, and does not know its own place. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = nearestPackage(import.meta.url);

function nearestPackage(module: string): string {
  for (let at = new URL(".", module); ; at = new URL("..", at)) {
    const directory = fileURLToPath(at);
    try {
      readFileSync(join(directory, "package.json"));
      return directory;
    } catch (error) {
      if (directory === "/") throw new Error(`no package.json above ${module}`, { cause: error });
    }
  }
}

/** @param path below the package's directory */
export function packageFile(path: string): string {
  return join(ROOT, path);
}

/** What a process or thread of ours runs, as scripts/bundle.mjs makes it. @param name its module below src */
export function programFile(name: string): string {
  return packageFile(`dist/programs/${name}.js`);
}

/** @throws Error when package.json cannot be read */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string };
  return version;
}
