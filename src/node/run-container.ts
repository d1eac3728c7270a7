// A container with its addresses: the one entry for processes and for the simulator.

import type { Env } from "../base/env.ts";
import { Fault } from "../base/fault.ts";
import { newId } from "../base/random.ts";
import { Caller } from "../client/caller.ts";
import { type Finder, finderOf, type Where } from "../client/finder.ts";
import type { Component } from "../container/component.ts";
import {
  Container,
  type ContainerLimits,
  type ContainerParts,
  DEFAULT_LIMITS,
  type Load,
} from "../container/container.ts";
import { controlOf } from "../container/control.ts";
import type { Fence } from "../container/fence.ts";
import { type Envelope, Kind, refuse } from "../messages/envelope.ts";
import { Functions } from "../messages/gen/unum/machine/v1/functions_pb.ts";
import { Store } from "../messages/gen/unum/machine/v1/store_pb.ts";
import { Timer } from "../messages/gen/unum/machine/v1/timer_pb.ts";
import type { CallWatch } from "../messages/watch.ts";
import { stack } from "../transports/stack.ts";
import type { Address, Listener, Receive, Transport } from "../transports/transport.ts";
import { announcing } from "./announcing.ts";
import { VERSION } from "./version.ts";

export interface ContainerSettings {
  readonly env: Env;
  readonly components: readonly Component[];
  /** Tried in this order. Closed with the container. */
  readonly transports: readonly Transport[];
  /** Where others reach it. Empty: only its own components do, over `direct`. */
  readonly listen: readonly Address[];
  /** Where its components find what this container does not serve. Default: nowhere. */
  readonly find?: Where;
  /** Of the node that keeps messages which its components send durably. */
  readonly door?: Address | undefined;
  readonly id?: string;
  readonly limits?: Partial<ContainerLimits>;
  /** Calls its components may have under way. Default 65,536. */
  readonly callLimit?: number;
  readonly inbox?: ContainerParts["inbox"];
  readonly began?: ContainerParts["began"];
  /** What is let in and out of programs that have one owner; left out: all is. */
  readonly fence?: Fence;
  /** Told of calls that reach it, and of those its components make. */
  readonly watch?: CallWatch | undefined;
  /** Asked of every request that comes in at an address; undefined lets it in. Default: all come in. */
  readonly admit?: (address: Address, request: Envelope, peer: string | undefined) => Fault | undefined;
  /** Who answers what this container does not serve; undefined: it refuses that itself. Asked after `admit`. */
  readonly handOn?: (address: Address, request: Envelope) => Receive | undefined;
  /** Further contracts of the control plane, over the container they are for. */
  readonly control?: (inside: Inside) => readonly Component[];
}

/** What the control plane may do with its container. */
export interface Inside {
  readonly container: Container;
  drain(graceMs: number): Promise<number>;
  /** Listens at one address more. Settles with the address as listened. */
  listen(address: Address): Promise<Address>;
}

export interface RunningContainer {
  readonly id: string;
  /** As listened, with the ports and paths that were chosen. */
  readonly addresses: readonly Address[];
  readonly load: Load;
  readonly components: readonly Component[];
  /** Contracts whose functions run now. */
  readonly running: readonly string[];
  /** Settles when it has drained, by `drain` or by a command. */
  readonly closed: Promise<void>;
  /** Refuses new calls, lets current ones end, then closes. Settles with the calls still running when `graceMs` ended, before `closed`. */
  drain(graceMs: number): Promise<number>;
}

/** Where a container's own components reach each other. */
export function ownAddress(id: string): Address {
  return `direct://${id}`;
}

export async function runContainer(settings: ContainerSettings): Promise<RunningContainer> {
  const { env, components, transports, listen, find = [], limits, callLimit = 65_536, fence } = settings;
  const id = settings.id ?? newId(env.random, "k");
  const transport = stack(transports);
  const own = ownAddress(id);
  const caller = new Caller({
    env,
    transport: {
      ...transport,
      send: (to, request) => {
        const closed = request.kind === Kind.CANCEL ? undefined : fence?.closed;
        if (closed !== undefined) return Promise.resolve(refuse(request, noEffect(request, closed)));
        return to === own ? container.receive(request) : transport.send(to, request);
      },
    },
    mark: () => fence?.mark,
    id,
    // Of the control plane its own components ask nothing but what the machine is.
    finder: withOwn(
      finderOf(find),
      own,
      (path) => container.serves(path) || (SYSTEM.some((each) => path.startsWith(each)) && container.controls(path)),
    ),
    limit: callLimit,
    watch: settings.watch,
    door: () => settings.door,
  });
  const container = new Container({
    id,
    env,
    caller,
    limits: { ...DEFAULT_LIMITS, ...limits },
    began: announcing(env.clock, transport, settings.began),
    fence,
    watch: settings.watch,
    ...(settings.inbox === undefined ? undefined : { inbox: settings.inbox }),
  });
  const listeners: Listener[] = [];
  let draining: Promise<number> | undefined;
  let closed: () => void = () => {};
  const whenClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const close = async () => {
    // Replies that are on their way still leave; a listener that cannot get rid of them ends with the transport.
    const late = Promise.withResolvers<void>();
    const timer = env.clock.after(FLUSH_LIMIT_MS, late.resolve);
    await Promise.race([Promise.all(listeners.map((listener) => listener.close())), late.promise]);
    timer.cancel();
    await transport.close();
    closed();
  };
  const drain = (graceMs: number) => {
    // Closing waits for the replies under way, and one of them may be the reply to the command to drain.
    draining ??= container.drain(graceMs).finally(() => env.clock.soon(close));
    return draining;
  };
  container.serveControl(controlOf(container, VERSION, drain));
  const listenAt = async (address: Address): Promise<Address> => {
    const { admit, handOn } = settings;
    const receive: Receive =
      handOn === undefined
        ? container.receive
        : (request, peer) => (handOn(address, request) ?? container.receive)(request, peer);
    const listener = await transport.listen(
      address,
      admit === undefined ? receive : admitted(receive, (request, peer) => admit(address, request, peer)),
    );
    listeners.push(listener);
    return listener.address;
  };
  for (const each of settings.control?.({ container, drain, listen: listenAt }) ?? []) container.serveControl(each);
  try {
    for (const component of components) await container.serve(component);
    for (const address of listen) await listenAt(address);
  } catch (error) {
    await container.drain(0);
    await transport.close();
    throw error;
  }
  return {
    id,
    get addresses() {
      return listeners.map(({ address }) => address);
    },
    get load() {
      return container.load;
    },
    get running() {
      return container.running;
    },
    get components() {
      return container.served.map(({ component }) => component);
    },
    closed: whenClosed,
    drain,
  };
}

/** Nobody else may take a call that a node makes which is not the owner any more. */
function noEffect({ to }: Envelope, { message }: Fault): Fault {
  return new Fault("denied", `${to}: ${message}`);
}

function admitted(
  receive: Receive,
  refusal: (request: Envelope, peer: string | undefined) => Fault | undefined,
): Receive {
  return (request, peer) => {
    const fault = request.kind === Kind.CANCEL ? undefined : refusal(request, peer);
    return fault === undefined ? receive(request, peer) : Promise.resolve(refuse(request, fault));
  };
}

/** A directory names the own container where that is best; without one it is the first to be asked. */
function withOwn(elsewhere: Finder, own: Address, serves: (path: string) => boolean): Finder {
  const isOpen = (request: Envelope, tried: ReadonlySet<Address>) => !tried.has(own) && serves(request.to);
  const { offers } = elsewhere;
  if (offers === undefined) {
    return {
      next: (request, tried, open) => (isOpen(request, tried) ? own : elsewhere.next(request, tried, open)),
      all: (request) => (serves(request.to) ? [own, ...elsewhere.all(request)] : elsewhere.all(request)),
    };
  }
  return {
    next: (request, tried, open) => elsewhere.next(request, tried, open) ?? (isOpen(request, tried) ? own : undefined),
    offers: (request, tried, open) => offers.call(elsewhere, request, tried, open),
    ringOf: (address) => (address === own ? "self" : elsewhere.ringOf?.(address)),
    all: (request) => {
      const found = elsewhere.all(request);
      return found.length === 0 && serves(request.to) ? [own] : found;
    },
  };
}

/** What the container answers its own components beside what it serves. */
const SYSTEM = [Functions, Store, Timer].map(({ typeName }) => `${typeName}/`);
/** How long replies may take to leave when a container closes. */
const FLUSH_LIMIT_MS = 2_000;
