// The monitoring plugin behind `unum up --metrics HOST:PORT`: counts calls in containers, and answers Prometheus in the governor.

import { Fault } from "../base/fault.ts";
import { CallFigures } from "./figures/call-figures.ts";
import { EXPOSITION_TYPE, expositionOf } from "./figures/exposition.ts";
import type { Monitoring } from "./monitoring.ts";
import { type PluginHost, plugin, type TextAnswer } from "./plugin.ts";

export default plugin({
  name: "metrics",
  version: "1.0.0",
  kind: "monitoring",
  open: (host): Monitoring | Promise<Monitoring> => (host.where === "governor" ? served(host) : counted(host)),
});

function counted({ clock }: PluginHost): Monitoring {
  const calls = new CallFigures(clock);
  return { watch: calls, figures: () => calls.families() };
}

async function served(host: PluginHost): Promise<Monitoring> {
  const { at } = host.settings;
  if (typeof at !== "string") throw new Fault("invalid", "its setting 'at' is missing; write HOST:PORT");
  const service = await host.serveText(at, (path) => answer(host, path));
  host.log.write("info", `metrics are at http://${service.at}/metrics`);
  return { close: () => service.close() };
}

async function answer(host: PluginHost, path: string): Promise<TextAnswer> {
  if (path !== "/metrics") return { status: 404, type: "text/plain", text: `there is /metrics here, and no ${path}\n` };
  return { status: 200, type: EXPOSITION_TYPE, text: expositionOf(await host.figures()) };
}
