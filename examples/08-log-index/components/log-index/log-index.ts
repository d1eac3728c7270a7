// The log index of this node, for whoever asks its machine: served like any component.

import { join } from "node:path";
import { logIndexComponent } from "unum/log-index";

export default logIndexComponent({ folder: join(process.env["UNUM_HOME"] || ".unum", "log-index") });
