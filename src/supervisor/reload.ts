/** Reads config.toml again while the daemon runs. A file that is refused changes nothing. */
import { adoptSettings } from "../config-applies.js";
import type { Changes } from "../config-applies.js";
import { loadConfig } from "../config.js";
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { ServiceLink } from "./service-link.js";

export interface ReloadParts {
  /** The running one: changed in place. */
  config: Config;
  log: Log;
  service: Pick<ServiceLink, "reloading" | "reloaded">;
  /** For what must be told rather than look it up. Its failure is logged and no reason to refuse. */
  applied(changed: readonly string[]): Promise<void>;
}

export class Reload {
  readonly #p: ReloadParts;
  /** Two at once would tell the manager twice, and could end on the older file. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#p = parts;
  }

  /** @throws LifeguardError INVALID_PARAMS with file, line and key, and that nothing was changed */
  async run(): Promise<Changes> {
    const turn = this.#last.then(() => this.#run());
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  async #run(): Promise<Changes> {
    const { config, log, service, applied } = this.#p;
    service.reloading();
    try {
      const changes = adoptSettings(config, loadConfig(config.paths));
      if (changes.changed.includes("daemon.log_level")) log.level = config.daemon.log_level;
      await applied(changes.changed).catch((error: unknown) =>
        log.error({ phase: "reload", err: messageOf(error) }, "a change had no effect"),
      );
      log.info({ phase: "reload", ...changes }, "the configuration was read again");
      return changes;
    } catch (error) {
      log.warn({ phase: "reload", err: messageOf(error) }, "the configuration was refused: the one before stays");
      if (!(error instanceof LifeguardError)) throw error;
      throw new LifeguardError(error.name, `${error.message}; the daemon goes on with the configuration it has`, error.data, {
        cause: error,
      });
    } finally {
      service.reloaded();
    }
  }
}
