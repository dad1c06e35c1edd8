import { readdirSync } from "node:fs";
import { closeDescriptor, isCloseOnExec } from "../libc/descriptors.js";

/**
 * Closes what a long-lived process has inherited besides its standard streams: a pipe of the script that happened to start the
 * first daemon would else stay open for weeks. What this process opens itself is close-on-exec, Node's own descriptors too:
 * whatever is not came from outside. Call it before anything else is opened without that flag.
 */
export function closeInheritedDescriptors(): void {
  for (const name of readdirSync("/dev/fd")) {
    const fd = Number(name);
    if (!(fd > 2)) continue;
    try {
      if (!isCloseOnExec(fd)) closeDescriptor(fd);
    } catch {
      // The descriptor of the listing itself, closed by now.
    }
  }
}
