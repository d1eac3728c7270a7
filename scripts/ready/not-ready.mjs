// What cannot go on, and what the person at the keyboard may do about it.

/** Its message is for people and is all they need: no stack is shown. */
export class NotReady extends Error {
  /** @override */
  name = "NotReady";
}
