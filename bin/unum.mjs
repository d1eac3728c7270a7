#!/usr/bin/env node
// The `unum` command: runs src/cli in this process where Node.js is new enough, else in the pinned one.

import { existsSync, realpathSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { NotReady } from "../scripts/ready/not-ready.mjs";
import { ensurePackages } from "../scripts/ready/packages.mjs";
import { nodeIsNewEnough } from "../scripts/ready/runtime.mjs";
import { keepQuietAboutKnownFeatures } from "../scripts/ready/warnings.mjs";

const here = realpathSync(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

try {
  // Only a checkout has a lock; an installed package got its dependencies from npm.
  if (existsSync(join(root, "package-lock.json"))) {
    await ensurePackages({ folder: root, what: "packages", lockFolder: join(root, ".unum", "ready.lock") });
  }
  if (nodeIsNewEnough()) {
    keepQuietAboutKnownFeatures();
    module.enableCompileCache?.(join(root, "node_modules", ".cache", "compiled"));
    await import("../src/cli/main.ts");
  } else {
    const { envWithNode, pinnedNode } = await import("../scripts/ready/runtime.mjs");
    const { handOver } = await import("../scripts/ready/hand-over.mjs");
    const node = await pinnedNode(root);
    process.exitCode = await handOver(node, [here, ...process.argv.slice(2)], { env: envWithNode(node) });
  }
} catch (error) {
  if (!(error instanceof NotReady)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
