import type { Health } from "../session.js";

type Part = "terminal" | "spool" | "lost" | "detection";

/** What is wrong with a session, said when it changes and not before. */
export class HealthReport {
  readonly #post: (health: Exclude<Health, "unresponsive">, detail: string) => void;
  readonly #problems = new Map<Part, string>();
  #recovering = false;
  #said = "ok";
  #begun = false;

  constructor(post: (health: Exclude<Health, "unresponsive">, detail: string) => void) {
    this.#post = post;
  }

  /** From here on changes are posted. */
  begin(): void {
    this.#begun = true;
    this.#say();
  }

  set recovering(is: boolean) {
    this.#recovering = is;
    this.#say();
  }

  /** @param detail null: this part is well */
  set(part: Part, detail: string | null): void {
    if ((this.#problems.get(part) ?? null) === detail) return;
    if (detail === null) this.#problems.delete(part);
    else this.#problems.set(part, detail);
    this.#say();
  }

  #say(): void {
    if (!this.#begun) return;
    const detail = [...this.#problems.values()].join("; ");
    const health = detail !== "" ? "degraded" : this.#recovering ? "recovering" : "ok";
    const said = health === "degraded" ? `${health} ${detail}` : health;
    if (said === this.#said) return;
    this.#said = said;
    this.#post(health, detail);
  }
}
