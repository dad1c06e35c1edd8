/**
 * What the daemon tells the service manager that runs it (systemd's `Type=notify`): ready, how it is, that it reloads or ends, and,
 * as often as the unit's watchdog asks, that it is well. Without a manager nothing is told.
 */
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { notifyManager } from "../service/notification.js";
import type { Notification } from "../service/notification.js";

export interface ServiceLinkOptions {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID as the manager set them. */
  env: NodeJS.ProcessEnv;
  /** One line for `systemctl status`. */
  status(): string;
  /** What is wrong with the supervisor, or null. Asked before each sign of life: while something is, none is given. */
  trouble(): string | null;
  log: Log;
}

/** systemd shows the status; more often than this it need not change. */
const STATUS_MS = 10_000;
/** Signs of life in one of the watchdog's periods: one may be late, one lost. */
const SIGNS = 3;

export class ServiceLink {
  readonly #options: ServiceLinkOptions;
  readonly #socket: string | null;
  readonly #watchdogMs: number | null;
  #timer: NodeJS.Timeout | null = null;
  #told = "";
  #troubled: string | null = null;

  constructor(options: ServiceLinkOptions) {
    this.#options = options;
    const { env } = options;
    const socket = env["NOTIFY_SOCKET"] ?? "";
    this.#socket = socket === "" ? null : socket;
    const microseconds = Number(env["WATCHDOG_USEC"]);
    const ours = env["WATCHDOG_PID"] === undefined || Number(env["WATCHDOG_PID"]) === process.pid;
    this.#watchdogMs = ours && microseconds > 0 ? microseconds / 1_000 : null;
  }

  ready(): void {
    if (this.#socket === null) return;
    this.#told = this.#options.status();
    this.#tell({ READY: 1, STATUS: this.#told, MAINPID: process.pid });
    const period = this.#watchdogMs === null ? STATUS_MS : Math.min(STATUS_MS, this.#watchdogMs / SIGNS);
    this.#timer = setInterval(() => this.#sign(), period);
  }

  /** Between this and {@link reloaded} the manager shows the unit as reloading. */
  reloading(): void {
    this.#tell({ RELOADING: 1, STATUS: "reading the configuration", MONOTONIC_USEC: String(process.hrtime.bigint() / 1_000n) });
  }

  reloaded(): void {
    this.#told = this.#options.status();
    this.#tell({ READY: 1, STATUS: this.#told });
  }

  /** @param budgetMs what the end may take; the manager waits that long */
  stopping(budgetMs: number): void {
    this.#stopTimer();
    this.#tell({ STOPPING: 1, STATUS: "handing the sessions to the keeper", EXTEND_TIMEOUT_USEC: Math.round(budgetMs * 1_000) });
  }

  stop(): void {
    this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #sign(): void {
    const trouble = this.#options.trouble();
    if (trouble !== this.#troubled && trouble !== null)
      this.#options.log.error({ phase: "watchdog", trouble }, "the supervisor is not well: the watchdog gets no sign of life");
    this.#troubled = trouble;
    const status = trouble ?? this.#options.status();
    const states: Notification = {};
    if (status !== this.#told) states["STATUS"] = status;
    if (trouble === null && this.#watchdogMs !== null) states["WATCHDOG"] = 1;
    this.#told = status;
    if (Object.keys(states).length > 0) this.#tell(states);
  }

  #tell(states: Notification): void {
    if (this.#socket === null) return;
    try {
      if (!notifyManager(this.#socket, states))
        this.#options.log.debug({ phase: "service" }, "the service manager did not take a notification");
    } catch (error) {
      this.#options.log.debug({ phase: "service", err: messageOf(error) }, "the service manager did not take a notification");
    }
  }
}
