/** An agent that works: its screen redrawn ten times a second, about 4 KB/s. As a shell loop would be no cheaper, and less even. */
import { pieces } from "./generate.mjs";

const source = pieces("redraws", process.pid);
setInterval(() => process.stdout.write(source.next().value.slice(0, 400)), 100);
