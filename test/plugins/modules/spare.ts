// Spares zombies, and says so in a file.

import { appendFileSync } from "node:fs";
import { plugin } from "unum";

export default plugin({
  name: "spare",
  version: "1.0.0",
  kind: "lifecycle",
  open: ({ settings }) => ({
    zombie({ id }, why) {
      appendFileSync(String(settings["file"]), `${id} ${why}\n`);
      return "spare";
    },
    spares: () => 0,
  }),
});
