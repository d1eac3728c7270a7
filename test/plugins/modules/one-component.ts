// A loader that leaves out all components but one, by the built-in loader's help.

import { folderLoader, plugin } from "unum";

export default plugin({
  name: "one-component",
  version: "1.0.0",
  kind: "loader",
  async open(host) {
    const inner = await folderLoader.open(host);
    return {
      async load(folder) {
        const { components, failures } = await inner.load(folder);
        return { components: components.slice(-1), failures };
      },
    };
  },
});
