/** The figures over HTTP, for a Prometheus on this machine: `GET /metrics` with a bearer token, on a loopback address, and nothing else. */
import { hash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Settings } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { Log } from "../log.js";

export interface MetricsListenerParts {
  /** Read at each {@link MetricsListener.apply}. */
  settings: Settings["metrics"];
  text(): Promise<string>;
  log: Log;
}

/** A scraper asks a few times a minute; more connections than this are somebody else's. */
const CONNECTIONS = 16;
const REQUEST_MS = 5_000;

export class MetricsListener {
  readonly #p: MetricsListenerParts;
  #server: Server | null = null;

  constructor(parts: MetricsListenerParts) {
    this.#p = parts;
  }

  /**
   * Listens where the settings say now, and nowhere else. That it cannot is logged and no reason for anything else to fail.
   * @returns the address it listens at, null when at none
   */
  async apply(): Promise<string | null> {
    await this.close();
    const { settings, log } = this.#p;
    if (settings.listen === "") return null;
    try {
      const server = await listen(settings.listen, tokenOf(settings), this.#p.text);
      server.on("error", (error) => log.error({ phase: "metrics", err: messageOf(error) }, "the metrics port"));
      this.#server = server;
      log.info({ phase: "metrics", listen: settings.listen }, "metrics can be asked for over HTTP");
      return settings.listen;
    } catch (error) {
      log.error({ phase: "metrics", listen: settings.listen, err: messageOf(error) }, "metrics are not served over HTTP");
      return null;
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}

/** @throws LifeguardError INVALID_PARAMS when there is none: no port is opened without */
function tokenOf({ token, token_file }: Settings["metrics"]): Buffer {
  let said = token;
  if (token_file !== "") {
    try {
      said = (readFileSync(token_file, "utf8").split("\n")[0] ?? "").trim();
    } catch (error) {
      throw new LifeguardError("INVALID_PARAMS", `metrics.token_file: ${messageOf(error)}`, { field: "metrics.token_file" });
    }
  }
  if (said === "")
    throw new LifeguardError("INVALID_PARAMS", "metrics.token_file is empty: write a token into its first line", {
      field: "metrics.token_file",
    });
  return digest(said);
}

/** Of the same length whatever was said, so that comparing tells nothing. */
const digest = (text: string): Buffer => hash("sha256", text, "buffer");

async function listen(address: string, token: Buffer, text: () => Promise<string>): Promise<Server> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: REQUEST_MS },
    (request, response) => {
      answer(request, response, token, text).catch(() => response.destroy());
    },
  );
  server.maxConnections = CONNECTIONS;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replaceAll(/[[\]]/g, "");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: Number(address.slice(colon + 1)) }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.unref();
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, token: Buffer, text: () => Promise<string>): Promise<void> {
  const shown = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  // Before anything else: whoever has no token learns nothing, not even which paths there are.
  if (shown === undefined || !timingSafeEqual(digest(shown.trim()), token)) {
    response
      .writeHead(401, { "www-authenticate": 'Bearer realm="lifeguard"', "content-type": "text/plain" })
      .end("a bearer token is needed\n");
    return;
  }
  if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
    response.writeHead(404, { "content-type": "text/plain" }).end("there is GET /metrics\n");
    return;
  }
  const body = await text();
  response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(body);
}
