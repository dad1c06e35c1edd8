/** `top`: state, screen and feed wired together; what a key asks for is done here. */
import { messageOf } from "../../errors.js";
import type { Client, SessionSummary } from "../../rpc/client.js";
import { attach } from "../attach/attachment.js";
import type { DetachKey } from "../../detach-key.js";
import type { Colours } from "../colours.js";
import type { Terminal } from "../terminal.js";
import { frame } from "./top-frame.js";
import { TopFeed } from "./top-feed.js";
import { TopScreen } from "./top-screen.js";
import { EMPTY, pressed, scrolled, withSessions } from "./top-state.js";
import type { TopAction, TopState } from "./top-state.js";

/** Ages are shown in seconds. */
const AGE_MS = 1_000;
/** A screen that is peeked at is fetched again this often. */
const PEEK_MS = 400;
/** However much happens, no more frames than a person can see. */
const FRAME_MS = 50;

export interface TopSetting {
  terminal: Terminal;
  client: Client;
  home: string | undefined;
  colours: Colours;
  /** The session that `top` itself runs in: not to be attached from there. */
  ownSession: string | undefined;
  detachKey: () => Promise<DetachKey>;
}

/** Runs until the person leaves. @throws LifeguardError when the daemon cannot say what there is */
export async function top(setting: TopSetting): Promise<void> {
  await new Top(setting).run();
}

class Top {
  readonly #setting: TopSetting;
  readonly #screen: TopScreen;
  readonly #feed: TopFeed;
  #state: TopState = EMPTY;
  #frameTimer: NodeJS.Timeout | undefined;
  #attached = false;
  #finish: () => void = () => undefined;

  constructor(setting: TopSetting) {
    this.#setting = setting;
    this.#screen = new TopScreen(setting.terminal, {
      key: (key) => this.#key(key),
      resized: () => this.#change(scrolled(this.#state, this.#screen.size.rows), true),
      over: () => this.#finish(),
    });
    this.#feed = new TopFeed(setting.client, {
      sessions: (sessions) => this.#change(withSessions(this.#state, sessions, this.#screen.size.rows)),
      status: (status) => this.#change({ ...this.#state, status }),
      trouble: (trouble) => this.#change({ ...this.#state, trouble }),
    });
  }

  async run(): Promise<void> {
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    const ages = setInterval(() => this.#change(this.#state), AGE_MS);
    const peeks = setInterval(() => {
      const { mode } = this.#state;
      if (mode.kind === "peek") this.#peek(mode.id).catch(() => undefined);
    }, PEEK_MS);
    try {
      await this.#feed.start();
      this.#screen.take();
      this.#draw();
      await finished;
    } finally {
      clearInterval(ages);
      clearInterval(peeks);
      clearTimeout(this.#frameTimer);
      this.#feed.stop();
      this.#screen.giveBack();
    }
  }

  #change(state: TopState, atOnce = false): void {
    this.#state = state;
    if (atOnce) this.#draw();
    else this.#frameTimer ??= setTimeout(() => this.#draw(), FRAME_MS);
  }

  #draw(): void {
    clearTimeout(this.#frameTimer);
    this.#frameTimer = undefined;
    if (this.#attached) return;
    const { home, colours } = this.#setting;
    this.#screen.show(frame(this.#state, { size: this.#screen.size, now: Date.now(), home, colours }));
  }

  #key(key: string): void {
    const { state, action } = pressed(this.#state, key, this.#screen.size.rows);
    this.#change(state, true);
    this.#act(action).catch((error: unknown) => this.#change({ ...this.#state, message: messageOf(error) }, true));
  }

  async #act(action: TopAction): Promise<void> {
    const { client } = this.#setting;
    switch (action.kind) {
      case "none":
        return;
      case "quit":
        this.#finish();
        return;
      case "redraw":
        this.#screen.redraw();
        this.#draw();
        return;
      case "attach":
        await this.#attach(action.id);
        return;
      case "peek":
        await this.#peek(action.id);
        return;
      case "answer":
        await client.call("session.keys", { id: action.id, keys: [action.key] });
        await this.#peek(action.id);
        return;
      case "prompt": {
        const name = this.#nameOf(action.id);
        this.#change({ ...this.#state, message: `prompting ${name}…` }, true);
        const { delivery } = await client.call("session.prompt", { id: action.id, text: action.text, queue: true });
        this.#change({ ...this.#state, message: `${name}: ${delivery}` }, true);
        return;
      }
      case "kill": {
        const name = this.#nameOf(action.id);
        this.#change({ ...this.#state, message: `ending ${name}…` }, true);
        const { processes } = await client.call("session.kill", { id: action.id });
        this.#change({ ...this.#state, message: `ended ${name}, ${processes} process${processes === 1 ? "" : "es"}` }, true);
        return;
      }
      case "restart":
        this.#change({ ...this.#state, message: `restarting ${this.#nameOf(action.id)}…` }, true);
        await client.call("session.restart", { id: action.id });
        this.#change({ ...this.#state, message: `restarted ${this.#nameOf(action.id)}` }, true);
        return;
    }
  }

  async #peek(id: string): Promise<void> {
    const { text = "" } = await this.#setting.client.call("session.screen", { id, format: "text" });
    const { mode } = this.#state;
    if (mode.kind === "peek" && mode.id === id) this.#change({ ...this.#state, mode: { ...mode, lines: text.split("\n") } });
  }

  #nameOf(id: string): string {
    return this.#state.sessions.get(id)?.name ?? id;
  }

  async #attach(id: string): Promise<void> {
    const session: SessionSummary | undefined = this.#state.sessions.get(id);
    if (session === undefined || this.#attached) return;
    if (id === this.#setting.ownSession) throw new Error("this terminal is that session itself");
    this.#attached = true;
    this.#screen.giveBack();
    try {
      // It may warn, which belongs on the terminal's own screen.
      const detachKey = await this.#setting.detachKey();
      const ending = await attach(this.#setting.client, session, this.#setting.terminal, {
        readOnly: false,
        write: false,
        take: false,
        detachKey,
      });
      this.#state = {
        ...this.#state,
        message: ending.kind === "failed" ? messageOf(ending.error) : ending.kind === "detached" ? null : `${session.name} has ended`,
      };
    } finally {
      this.#attached = false;
      this.#screen.take();
      this.#draw();
    }
  }
}
