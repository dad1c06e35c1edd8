/** Which tmux session a session of ours is, as it is remembered: data from the store is parsed here. */
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import type { TmuxSession } from "../../tmux/server.js";
import type { SessionSpec } from "../../session.js";

export interface TmuxPlace {
  /** Path of the server's socket. */
  socket: string;
  /** `$3`: of one life of the server. */
  session: string;
  /** Seconds since 1970. */
  created: number;
  /** Pid of the server. */
  server: number;
  /** As tmux has it. */
  name: string;
  /** It was there before: its environment is not ours, and what made it is not known. */
  adopted: boolean;
}

const placeSchema: z.ZodType<TmuxPlace> = z.object({
  socket: z.string(),
  session: z.string().regex(/^\$[0-9]+$/),
  created: z.number(),
  server: z.number(),
  name: z.string(),
  adopted: z.boolean(),
});

/** @returns null for what is none */
export function readPlace(value: unknown): TmuxPlace | null {
  const parsed = placeSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

export function placeOf(socket: string, session: TmuxSession, adopted: boolean): TmuxPlace {
  return { socket, session: session.id, created: session.created, server: session.server, name: session.name, adopted };
}

/** The very same, whatever it is called now. */
export function isSame(place: Pick<TmuxPlace, "session" | "created" | "server">, session: TmuxSession): boolean {
  return place.session === session.id && place.created === session.created && place.server === session.server;
}

/** What an adopted session is said to run, and is known by where only the specification is: how a person gets to it. */
export function adoptedCommand(socket: string, name: string): Pick<SessionSpec, "command" | "args"> {
  return { command: "tmux", args: ["-S", socket, "attach-session", "-t", `=${name}`] };
}

function isAdopted(spec: SessionSpec): boolean {
  return spec.backend === "tmux" && spec.command === "tmux" && spec.args[0] === "-S" && spec.args[2] === "attach-session";
}

/** What made it is not known, so it cannot be made again. @throws UNSUPPORTED */
export function refuseAdopted(spec: SessionSpec): void {
  if (!isAdopted(spec)) return;
  throw new LifeguardError(
    "UNSUPPORTED",
    `${spec.name} was adopted from tmux, and what it was started with is not known: start it there (tmux respawn-pane, tmux new-session) and adopt it`,
    { field: "backend" },
  );
}

/** What a session cannot have in tmux. @throws UNSUPPORTED by name */
export function refuseUnderTmux(request: { env_secret?: string[] | undefined; limits?: object | undefined }): void {
  const refuse = (field: string, why: string): LifeguardError =>
    new LifeguardError("UNSUPPORTED", `${field} is not kept under tmux, ${why}: leave it out, or use backend pty`, { field });
  if ((request.env_secret ?? []).length > 0) throw refuse("env_secret", "which takes a session's environment from a file");
  if (request.limits !== undefined) throw refuse("limits", "whose server starts the program");
}
