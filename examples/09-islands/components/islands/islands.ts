// Hosts islands on every node that has this component: each of its containers evolves whichever is asked of it.

import { islandHost } from "unum/islands";
import rosenbrock from "./rosenbrock.ts";

export default islandHost(import.meta.url, { rosenbrock });
