// What programs written with Unum import.

export { ApplicationError, FAULT_CODES, FAULTS, Fault, type FaultCode } from "./base/fault.ts";
export { type Calls, type Client, type ClientSettings, newClient, type Proxies } from "./client/client.ts";
export type { Finder, OpenCalls, Where } from "./client/finder.ts";
export {
  type Described,
  type DescribedComponent,
  type NodeClient,
  type NodeClientSettings,
  newNodeClient,
} from "./client/node-client.ts";
export type { CallOptions, Durable, SendOptions, StreamOptions } from "./client/options.ts";
export type { Accepted, Outcome, Reply } from "./client/outcomes.ts";
export type { Call } from "./container/call.ts";
export {
  type Component,
  type ComponentOptions,
  component,
  type Environment,
  type Handlers,
} from "./container/component.ts";
export type { ContainerLimits, Load } from "./container/container.ts";
export type { StreamMethod, UnaryMethod } from "./messages/contract.ts";
export { Mode } from "./messages/envelope.ts";
export { compareVersions, readVersion } from "./messages/version-order.ts";
export { saysTooLittle } from "./messages/version-says.ts";
export type { CallSpan, CallWatch } from "./messages/watch.ts";
export { folderLoader } from "./node/folder-loader.ts";
export { openPlugin } from "./node/load-plugins.ts";
export { type ContainerSettings, type RunningContainer, runContainer } from "./node/run-container.ts";
export type { Family } from "./plugins/figures/family.ts";
export type { ContainerView, Lifecycle, NodeView } from "./plugins/lifecycle.ts";
export type { LoadedFolder, Loader } from "./plugins/loader.ts";
export type { Logging, Monitoring } from "./plugins/monitoring.ts";
export { type Manifest, type Plugin, type PluginHost, type PluginKind, plugin } from "./plugins/plugin.ts";
export { type Seal, sealing } from "./plugins/seal.ts";
export { systemEnv } from "./system/env.ts";
export { DirectNetwork } from "./transports/direct.ts";
export { stack } from "./transports/stack.ts";
export type { Address, Transport } from "./transports/transport.ts";
export {
  AGE_ERROR_LIMIT_MS,
  DEFAULT_TRANSPORT_LIMITS,
  type ZmtpTransportLimits,
  type ZmtpTransportOptions,
  type ZmtpTransportStats,
  zmtpTransport,
} from "./transports/zmtp/index.ts";
