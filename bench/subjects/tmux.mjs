/** A tmux server of our own on a socket of our own, with the history that we keep, driven through control mode. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { running } from "./running.mjs";

const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

export class Tmux {
  name = "tmux";
  #child;
  #waiting = [];
  #block = null;
  #heard = new Map();
  #serverPid = 0;
  #first;

  constructor(scratch) {
    this.home = mkdtempSync(join(scratch, "tmux-"));
  }

  static async start(scratch, historyLines = 1000) {
    const tmux = new Tmux(scratch);
    await tmux.start(historyLines);
    return tmux;
  }

  async start(historyLines) {
    const config = join(this.home, "tmux.conf");
    writeFileSync(
      config,
      `set -g history-limit ${historyLines}\nset -g default-terminal xterm-256color\nset -g default-size 120x40\nset -g status off\nset -g remain-on-exit off\n`,
    );
    const { PATH } = process.env;
    this.#child = spawn(
      "tmux",
      ["-S", join(this.home, "socket"), "-f", config, "-C", "new-session", "-x", "120", "-y", "40", "sleep 1000000"],
      {
        env: { PATH, HOME: this.home, LANG: "C.UTF-8", TERM: "xterm-256color", SHELL: "/bin/sh" },
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    running.add(this);
    // Ended under a measure that was still asking.
    this.#child.stdin.on("error", (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
    const begun = new Promise((resolve) => (this.#first = resolve));
    createInterface({ input: this.#child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => this.#line(line));
    await begun;
    this.#serverPid = Number((await this.command("display-message -p '#{pid}'"))[0]);
    await this.command("new-session -d -s unseen -x 120 -y 40 'sleep 1000000'");
  }

  #line(line) {
    if (line.startsWith("%begin ")) {
      this.#block = [];
    } else if (line.startsWith("%end ") || line.startsWith("%error ")) {
      const block = this.#block;
      this.#block = null;
      if (this.#first !== null) {
        this.#first();
        this.#first = null;
        return;
      }
      const waiting = this.#waiting.shift();
      if (line.startsWith("%error ")) waiting?.reject(new Error(`tmux: ${block.join("; ")}`));
      else waiting?.resolve(block);
    } else if (this.#block !== null) {
      this.#block.push(line);
    } else if (line.startsWith("%output ")) {
      const space = line.indexOf(" ", 8);
      this.#heard.get(line.slice(8, space))?.(line.slice(space + 1));
    }
  }

  command(text) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${text}\n`);
    });
  }

  get pids() {
    return [this.#serverPid];
  }

  /**
   * A window of its own. Control mode sends the output of the session it is attached to, so that only what is to be watched belongs there.
   * @param seen false: in another session of the same server
   */
  async pane(command, args, { seen = false } = {}) {
    const [id] = await this.command(
      `new-window -d -t ${seen ? 0 : "unseen"}: -P -F '#{pane_id}' ${quote([command, ...args].map(quote).join(" "))}`,
    );
    return {
      id,
      type: (text) => this.command(`send-keys -t ${id} -H ${[...Buffer.from(text)].map((byte) => byte.toString(16)).join(" ")}`),
      screen: async () => (await this.command(`capture-pane -p -t ${id}`)).join("\n"),
      watch: async (heard) => void this.#heard.set(id, heard),
      close: async () => void (await this.command(`kill-pane -t ${id}`).catch(() => {})),
    };
  }

  async end() {
    running.delete(this);
    const gone = once(this.#child, "exit");
    execFileSync("tmux", ["-S", join(this.home, "socket"), "kill-server"]);
    await gone;
  }
}
