/**
 * Daemons by their process. A lease belongs to a process, not to a connection: what a dead connection's process still has open it
 * may still be reading.
 */
import { ProcessHandle } from "../process-handle.js";

export class Peer {
  readonly pid: number;
  readonly #handle: ProcessHandle | null;
  connections = 0;

  constructor(pid: number, handle: ProcessHandle | null) {
    this.pid = pid;
    this.#handle = handle;
  }

  /** True once the process has ended. A process that was gone before it could be looked at counts as ended when its connection is. */
  gone(): boolean {
    return this.#handle === null ? this.connections === 0 : this.#handle.gone();
  }

  close(): void {
    this.#handle?.close();
  }
}

export class Peers {
  readonly #peers = new Set<Peer>();

  /** The peer for a process that is connected right now. */
  connected(pid: number): Peer {
    let peer = [...this.#peers].find((known) => known.pid === pid && !known.gone());
    if (peer === undefined) {
      peer = new Peer(pid, pid > 0 ? ProcessHandle.open(pid) : null);
      this.#peers.add(peer);
    }
    peer.connections++;
    return peer;
  }

  disconnected(peer: Peer): void {
    peer.connections--;
  }

  get anyConnected(): boolean {
    return [...this.#peers].some((peer) => peer.connections > 0);
  }

  /** True while somebody without a connection may still be reading. */
  get anyLingering(): boolean {
    return [...this.#peers].some((peer) => peer.connections === 0);
  }

  /** Those whose process and connections have ended since the last call. They are forgotten. */
  takeGone(): Peer[] {
    const gone = [...this.#peers].filter((peer) => peer.connections === 0 && peer.gone());
    for (const peer of gone) {
      this.#peers.delete(peer);
      peer.close();
    }
    return gone;
  }
}
