// Hosts islands of a problem that takes its time and little of the processor's, so that there is time to kill.

import { islandHost } from "unum/islands";
import hinted from "./hinted-problem.ts";
import slow from "./slow-problem.ts";

export default islandHost(import.meta.url, { slow, hinted });
