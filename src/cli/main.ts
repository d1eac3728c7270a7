// Entry of the command; bin/unum.mjs imports it.

import { runCommand } from "./command.ts";
import { processTerminal } from "./terminal.ts";

const terminal = processTerminal();
const exitCode = await runCommand(process.argv.slice(2), terminal);
await terminal.flushed();
// What a component left running does not keep the process: its container has drained.
process.exit(exitCode);
