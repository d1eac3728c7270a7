// Rumours that wait to ride on datagrams: what was told least often goes first, what was told often enough goes away.
//
// Infection-style dissemination (SWIM, section 4.1). One rumour per node: a newer one takes the older one's place.

interface Waiting {
  readonly bytes: Uint8Array;
  told: number;
}

export class RumourQueue {
  /** By how often they were told; within one, in the order in which they came to it. */
  readonly #levels: Map<string, Waiting>[] = [];
  readonly #levelOf = new Map<string, number>();

  get size(): number {
    return this.#levelOf.size;
  }

  put(id: string, bytes: Uint8Array): void {
    this.remove(id);
    this.#lay(id, { bytes, told: 0 });
  }

  remove(id: string): void {
    const level = this.#levelOf.get(id);
    if (level === undefined) return;
    this.#levels[level]?.delete(id);
    this.#levelOf.delete(id);
  }

  /**
   * Those of the least told that fit into `roomBytes`, each with `headBytes` more; they count as told once more, and
   * leave at `limit`. What is left of the room is not looked for for ever: a few that do not fit end it.
   */
  take(of: { roomBytes: number; headBytes: number; limit: number }): Uint8Array[] {
    const taken: [id: string, rumour: Waiting][] = [];
    let room = of.roomBytes;
    let tooLarge = 0;
    for (const level of this.#levels) {
      for (const [id, rumour] of level) {
        if (room < SMALLEST_BYTES || tooLarge === TOO_LARGE) break;
        const needed = rumour.bytes.length + of.headBytes;
        if (needed > room) {
          tooLarge++;
          continue;
        }
        room -= needed;
        taken.push([id, rumour]);
      }
    }
    for (const [id, rumour] of taken) this.#told(id, rumour, of.limit);
    return taken.map(([, { bytes }]) => bytes);
  }

  #told(id: string, rumour: Waiting, limit: number): void {
    this.remove(id);
    rumour.told++;
    if (rumour.told < limit) this.#lay(id, rumour);
  }

  #lay(id: string, rumour: Waiting): void {
    const level = rumour.told;
    while (this.#levels.length <= level) this.#levels.push(new Map());
    this.#levels[level]?.set(id, rumour);
    this.#levelOf.set(id, level);
  }
}

/** No rumour is smaller, so that looking for one that fits ends. */
const SMALLEST_BYTES = 8;

/** Where as many rumours were too large for what is left of a datagram, it is full: with 1,000 nodes most of them wait here. */
const TOO_LARGE = 8;
