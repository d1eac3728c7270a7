// The control plane of a container: the answers to unum.control.v1.Container.

import { Fault } from "../base/fault.ts";
import { routeOf } from "../messages/contract.ts";
import { Container as ContainerContract } from "../messages/gen/unum/control/v1/container_pb.ts";
import { schemaOf } from "../messages/schema.ts";
import { type Component, component } from "./component.ts";
import type { Container } from "./container.ts";
import type { Served } from "./frame.ts";

/** Waiting calls a limit may allow at most; each holds its message in memory. */
const INBOX_LIMIT = 1_000_000;

/** `drain` is asked for the whole container, listeners included, so it is the entry's to do. */
export function controlOf(container: Container, unum: string, drain: (graceMs: number) => Promise<number>): Component {
  return component(ContainerContract, {
    ping: () => ({ container: container.id, load: loadOf(container) }),
    describe: () => ({
      container: container.id,
      components: container.served.map(describeServed),
      schema: schemaOf(container.served.map(({ component: { contract } }) => contract)),
      load: loadOf(container),
      limits: { inbox: container.inboxLimit },
      unum,
    }),
    drain: async ({ graceMs }) => ({ left: await drain(graceMs) }),
    setLimits: ({ inbox }) => {
      if (inbox > INBOX_LIMIT)
        throw new Fault("invalid", `inbox ${inbox} is above ${INBOX_LIMIT}, the most a container takes`);
      container.inboxLimit = inbox;
      return { inbox: container.inboxLimit };
    },
  });
}

export function loadOf(container: Container) {
  const { done, ...load } = container.load;
  return { ...load, done: BigInt(done) };
}

export function describeServed({ component: { contract, version, budgetMs }, concurrency }: Served) {
  return {
    contract: contract.typeName,
    version,
    concurrency,
    budgetMs,
    methods: contract.methods.map((method) => ({
      name: method.name,
      mode: routeOf(method).mode,
      input: method.input.typeName,
      output: method.output.typeName,
    })),
  };
}
