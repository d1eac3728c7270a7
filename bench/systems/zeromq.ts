// The `zeromq` addon (libzmq) as its user would write a call: DEALER and ROUTER, an id frame and the payload.
//
// No deadline, no envelope and no serialization, which is in its favour.

import { join } from "node:path";
import { Dealer, Router } from "zeromq";
import { type Payloads, sameBytes } from "../harness/payload.ts";
import { type Calling, type Exchange, MOST_IN_FLIGHT, type Serving } from "./system.ts";

const LIMITS = { sendHighWaterMark: MOST_IN_FLIGHT, receiveHighWaterMark: MOST_IN_FLIGHT, linger: 0 };

/** The first byte of a payload that is to be held. */
const HOLD = 0;

export async function serve(inFolder: string): Promise<Serving> {
  const address = `ipc://${join(inFolder, "zeromq.sock")}`;
  const router = new Router(LIMITS);
  await router.bind(address);
  const held: (() => void)[] = [];
  let served = 0;
  const send = sender(router);
  const run = async () => {
    for await (const [peer, id, payload] of router) {
      served++;
      if (peer === undefined || id === undefined || payload === undefined) continue;
      if (payload[0] === HOLD) held.push(() => send([peer, id, payload]));
      else send([peer, id, payload]);
    }
  };
  // Ends with the socket.
  run().catch(() => {});
  return {
    address,
    served: () => served,
    held: () => held.length,
    release() {
      for (const answer of held.splice(0)) answer();
    },
    async close() {
      router.close();
    },
  };
}

export async function connect(address: string): Promise<Calling> {
  const dealer = new Dealer(LIMITS);
  dealer.connect(address);
  const waiting = new Map<number, (payload: Uint8Array) => void>();
  const send = sender(dealer);
  let lastId = 0;
  const run = async () => {
    for await (const [id, payload] of dealer) {
      if (id === undefined || payload === undefined) continue;
      const number = id.readUInt32LE();
      waiting.get(number)?.(payload);
      waiting.delete(number);
    }
  };
  // Ends with the socket.
  run().catch(() => {});
  const call = (payload: Uint8Array): Promise<Uint8Array> => {
    const number = ++lastId;
    const id = Buffer.allocUnsafe(4);
    id.writeUInt32LE(number);
    return new Promise((resolve) => {
      waiting.set(number, resolve);
      send([id, payload]);
    });
  };
  return {
    echo({ bytes, at }: Payloads): Exchange<Uint8Array> {
      return {
        call(index) {
          const payload = bytes[at(index)];
          if (payload === undefined) throw new RangeError(`no payload ${index}`);
          return call(payload);
        },
        right: (reply, index) => sameBytes(reply, bytes[at(index)] ?? new Uint8Array()),
      };
    },
    hold({ bytes, at }, index) {
      const payload = Uint8Array.from(bytes[at(index)] ?? []);
      payload[0] = HOLD;
      return call(payload);
    },
    async close() {
      dealer.close();
    },
  };
}

interface Sends {
  send(frames: Uint8Array[]): Promise<void>;
}

/** The addon takes one message at a time; the rest wait their turn. */
function sender(socket: Sends): (frames: Uint8Array[]) => void {
  const queue: Uint8Array[][] = [];
  let running = false;
  const run = async () => {
    running = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await socket.send(next);
    running = false;
  };
  return (frames) => {
    queue.push(frames);
    // A send fails only once the socket is closed, and then nobody waits for it.
    if (!running) run().catch(() => {});
  };
}
