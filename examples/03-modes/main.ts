// The four modes, two kitchens, a key that makes a call safe to repeat, and a time to live.

import { DirectNetwork, Fault, newClient, runContainer, systemEnv } from "unum";
import { Kitchen } from "./components/kitchen/gen/kitchen_pb.ts";
import kitchen from "./components/kitchen/kitchen.ts";

const env = systemEnv();
const network = new DirectNetwork();
const start = (id: string) =>
  runContainer({ env, id, components: [kitchen], transports: [network.transport()], listen: [`direct://${id}`] });
const kitchens = [await start("north"), await start("south")];
const [north, south] = ["direct://north", "direct://south"];
const client = newClient({ env, transports: [network.transport()], to: [north] });

// SYNC: one value.
const { cents } = await client.call(Kitchen.method.price, { name: "soup" });
console.log(`SYNC       a soup is ${cents} cents`);

// ASYNC: accepted first, the result when it is wanted.
const order = await client.send(Kitchen.method.cook, { name: "soup" });
console.log(`ASYNC      ordered from ${order.from[0]}`);
console.log(`           ${(await order.result()).name} is ready`);

// STREAM: pulled as it is read; to stop reading stops the kitchen.
for await (const meal of client.stream(Kitchen.method.courses, { courses: 1_000 }, { credit: 2 })) {
  console.log(`STREAM     ${meal.name}`);
  if (meal.name === "course 3") break;
}

// An idempotency key: the same key is worked on once, whoever asks how often.
const key = { idempotencyKey: "order 7" };
const once = await (await client.send(Kitchen.method.cook, { name: "pie" }, key)).result();
const again = await (await client.send(Kitchen.method.cook, { name: "pie" }, key)).result();
console.log(`KEY        cooked once: ${once.number === again.number}`);

// BROADCAST: every kitchen, and what became of it at each.
const everywhere = newClient({ env, transports: [network.transport()], to: [north, south] });
for (const outcome of await everywhere.broadcast(Kitchen.method.close, { reason: "night" })) {
  if ("value" in outcome)
    console.log(`BROADCAST  ${outcome.value.kitchen} closes after ${outcome.value.cooked > 0 ? "some" : "no"} meals`);
}

// A time to live: nothing is started later, and the caller has an outcome by then. This kitchen works on one call at a time.
const stew = await client.send(Kitchen.method.cook, { name: "stew", simmerMs: 200 });
try {
  await client.call(Kitchen.method.price, { name: "soup" }, { ttlMs: 50 });
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.log(`TTL        ${error.code}: started ${error.started}, try again if ${error.retry}`);
}
console.log(`           ${(await stew.result()).name} is ready`);

await Promise.all([client.close(), everywhere.close()]);
await Promise.all(kitchens.map((each) => each.drain(1_000)));
