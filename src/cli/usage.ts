// What the person at the keyboard can correct.

import { InvalidArgumentError } from "commander";

/**
 * Its message says what is wrong and what would be right; no stack is shown. Ends the command with exit code 2.
 * Thrown where an option's value is read, commander adds which option it was.
 */
export class UsageError extends InvalidArgumentError {
  override readonly name = "UsageError";
}
