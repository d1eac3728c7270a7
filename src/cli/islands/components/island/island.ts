// The component that hosts islands in a container of a run's own node: slices run in a thread of it, so its own loop always turns.

import { hostComponent } from "../../../../islands/host/island-host.ts";

export default hostComponent({ worker: new URL("../../worker.ts", import.meta.url) });
