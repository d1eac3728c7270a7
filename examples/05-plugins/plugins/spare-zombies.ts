// Lifecycle: a container whose loop is stuck past its budget is not killed; somebody may want to look at it first.

import { plugin } from "unum";

export default plugin({
  name: "spare-zombies",
  version: "1.0.0",
  kind: "lifecycle",
  open({ log }) {
    const seen = new Set<string>();
    return {
      zombie({ id, pid, contracts }, why) {
        if (!seen.has(id))
          log.write("warn", `zombie spared: ${why}`, { container: id, pid, serves: contracts.join(" ") });
        seen.add(id);
        return "spare";
      },
    };
  },
});
