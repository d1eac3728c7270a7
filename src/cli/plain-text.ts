// Text from elsewhere, made safe to show: nothing in it moves a cursor, changes a colour or rings a bell.

import { stripVTControlCharacters } from "node:util";

/** Line ends and tabs stay. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/(?![\n\t])\p{Cc}/gu, "·");
}
