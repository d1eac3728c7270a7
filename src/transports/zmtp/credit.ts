// Who may send how much: a receiver says how many messages and bytes it takes before it has said more.
//
// Invariants
//   K1. A sender has at most `messages` messages and `bytes` bytes under way; but while less than a quarter of the bytes
//       is under way, one message of any size may follow.
//   K2. Credit comes back in portions, as soon as half of the messages or a quarter of the bytes is done. So when
//       everything is done, K1 lets the next message go, whatever its size: nobody waits for ever.

export interface Window {
  readonly messages: number;
  readonly bytes: number;
}

/** The sender's side. */
export class SendCredit {
  readonly #window: Window;
  #messages = 0;
  #bytes = 0;

  constructor(window: Window) {
    this.#window = window;
  }

  fits(bytes: number): boolean {
    return this.#messages < this.#window.messages && mayFollow(this.#window, this.#bytes, bytes);
  }

  spend(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes;
  }

  /** False where more comes back than was spent. */
  back(messages: number, bytes: number): boolean {
    if (messages > this.#messages || bytes > this.#bytes) return false;
    this.#messages -= messages;
    this.#bytes -= bytes;
    return true;
  }
}

/** The receiver's side. */
export class ReceiveCredit {
  readonly #window: Window;
  /** Received and not yet given back. */
  #messages = 0;
  #bytes = 0;
  /** The part of it that may be given back. */
  #doneMessages = 0;
  #doneBytes = 0;
  /** While true nothing is given back: whoever sends must wait. */
  held = false;

  constructor(window: Window) {
    this.#window = window;
  }

  /** A message came. False where the sender had no credit for it. */
  arrived(bytes: number): boolean {
    const allowed = this.#messages < this.#window.messages && mayFollow(this.#window, this.#bytes, bytes);
    this.#messages++;
    this.#bytes += bytes;
    return allowed;
  }

  /** It is held no longer. */
  done(bytes: number): void {
    this.#doneMessages++;
    this.#doneBytes += bytes;
  }

  /** What is to be given back now, if anything. */
  take(): Window | undefined {
    if (this.held || this.#doneMessages === 0) return undefined;
    const due = this.#doneMessages * 2 >= this.#window.messages || this.#doneBytes * 4 >= this.#window.bytes;
    if (!due) return undefined;
    const back = { messages: this.#doneMessages, bytes: this.#doneBytes };
    this.#messages -= back.messages;
    this.#bytes -= back.bytes;
    this.#doneMessages = 0;
    this.#doneBytes = 0;
    return back;
  }
}

/** K1, as both sides count it. */
function mayFollow(window: Window, underWay: number, bytes: number): boolean {
  return underWay + bytes <= window.bytes || underWay * 4 < window.bytes;
}
