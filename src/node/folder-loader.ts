// The loader that is used where the command line names no other: the components of a folder, as load-components.ts finds them.

import { asError } from "../base/fault.ts";
import { type Component, isComponent } from "../container/component.ts";
import type { OpenedPlugins } from "../plugins/open.ts";
import { plugin, shownValue } from "../plugins/plugin.ts";
import { loadComponents } from "./load-components.ts";
import { failureLine } from "./load-failure.ts";
import { VERSION } from "./version.ts";

export const folderLoader = plugin({
  name: "folder-loader",
  version: VERSION,
  kind: "loader",
  open: ({ clock }) => ({
    async load(folder) {
      const { components, failures } = await loadComponents(folder, { clock });
      return { components: components.map(({ component }) => component), failures: failures.map(failureLine) };
    },
  }),
});

/** What a loader loads, looked at. What it does wrong is said with its file, as what it could not load. */
export async function loadBy(
  loader: NonNullable<OpenedPlugins["loader"]>,
  folder: string,
): Promise<{ components: readonly Component[]; failures: readonly string[] }> {
  const { given, guard } = loader;
  const wrong = (what: string) => ({ components: [], failures: [`plugin ${guard.file}: ${what}`] });
  try {
    const { components, failures } = await given.load(folder);
    const other = components.find((each) => !isComponent(each));
    if (other === undefined) return { components: components.filter(isComponent), failures };
    return wrong(`'load' gave ${shownValue(other)} among the components; each is to be made by component()`);
  } catch (thrown) {
    return wrong(`'load' failed: ${asError(thrown).message}`);
  }
}
