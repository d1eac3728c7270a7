// The process of a confined cell: components, and one socket at fd 3. Started by its container.

import { Socket } from "node:net";
import { runComponentGuest } from "../../container/cell/component-guest.ts";
import { loadComponents } from "../../node/load-components.ts";
import { failureLine } from "../../node/load-failure.ts";
import { systemClock } from "../../system/clock.ts";
import { SocketStream } from "../../system/socket-stream.ts";
import { limitThreads } from "../../system/thread-limit.ts";

/** Of each worker thread. */
const THREAD_HEAP_MIB = 256;

const clock = systemClock();
const socket = new Socket({ fd: 3, readable: true, writable: true });
// Nobody is left to work for.
socket.on("close", () => process.exit(0));
runComponentGuest({
  stream: new SocketStream(socket, "container"),
  now: () => clock.now(),
  soon: (fire) => clock.soon(fire),
  allow: (threads) => limitThreads(threads, THREAD_HEAP_MIB),
  load: async (folder) => {
    const { components, failures } = await loadComponents(folder, { clock });
    return { components: components.map(({ component }) => component), failures: failures.map(failureLine) };
  },
});
