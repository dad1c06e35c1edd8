/**
 * Two rooms with one door: any number may be in one of them, nobody in the other meanwhile. A tmux server of 3.3a crashes when a
 * client leaves it at the moment another control client is introducing itself, so ours do not do both at once.
 */

export type Room = "coming" | "going";

/** Nobody stays longer: what hangs holds up nobody for ever. */
const STAY_MS = 3_000;

export class Rooms {
  #open: Room | null = null;
  #inside = 0;
  readonly #waiting: { room: Room; enter: () => void }[] = [];

  /** @returns how to leave; once is enough, and it happens by itself after a while */
  async enter(room: Room): Promise<() => void> {
    if (this.#waiting.length > 0 || (this.#open !== null && this.#open !== room))
      await new Promise<void>((resolve) => this.#waiting.push({ room, enter: resolve }));
    else this.#admit(room);
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      clearTimeout(timer);
      this.#left();
    };
    const timer = setTimeout(leave, STAY_MS);
    timer.unref();
    return leave;
  }

  #admit(room: Room): void {
    this.#open = room;
    this.#inside += 1;
  }

  #left(): void {
    this.#inside -= 1;
    if (this.#inside > 0) return;
    this.#open = null;
    const first = this.#waiting[0]?.room;
    while (first !== undefined && this.#waiting[0]?.room === first) {
      this.#admit(first);
      this.#waiting.shift()?.enter();
    }
  }
}
