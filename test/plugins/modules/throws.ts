// Opens well, and throws from every hook.

import { plugin } from "unum";

const broken = (): never => {
  throw new Error("broken on purpose");
};

export default plugin({
  name: "throws",
  version: "1.0.0",
  kind: "lifecycle",
  open: () => ({ zombie: broken, idle: broken, serving: broken, spares: broken }),
});
