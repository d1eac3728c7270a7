// A seal whose key is not there where containers look for it.

import { plugin } from "unum";

export default plugin({
  name: "no-key",
  version: "1.0.0",
  kind: "security",
  open() {
    throw new Error("the key is not there");
  },
});
