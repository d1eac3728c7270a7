#!/usr/bin/env node
// From a fresh clone to a running command: packages, a Node.js that is new enough, then the verb.
//
//   npm start ──▶ packages as locked? ──▶ Node ≥ 24? ──▶ scripts/verbs/VERB.ts
//                    └ no: npm ci           └ no: the pinned one, fetched once, first in PATH
//
// Plain JavaScript without dependencies: it runs on any Node ≥ 18 before anything is installed.

import { existsSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { handOver } from "./ready/hand-over.mjs";
import { NotReady } from "./ready/not-ready.mjs";
import { ensurePackages } from "./ready/packages.mjs";
import { envWithNode, nodeIsNewEnough, pinnedNode, proveItRuns } from "./ready/runtime.mjs";
import { keepQuietAboutKnownFeatures } from "./ready/warnings.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @type {Record<string, string>} */
const VERBS = {
  tour: "shows what works, on real files (npm start)",
  test: "runs the tests; paths narrow them: npm test -- src/zmtp",
  check: "types, lint, rules, unused code, generated code, tests with coverage; --no-tests leaves the tests out",
  nightly: "runs the tests that take hours, or some of them: npm run nightly -- joins",
  bench: "runs bench/NAME.ts, or all of them: npm run bench -- call --json",
  generate: "writes src/messages/gen anew from proto/",
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof NotReady)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** @param {string[]} args */
async function main([verb, ...args]) {
  if (verb === "--help" || verb === "-h") {
    process.stdout.write(help());
    return 0;
  }
  if (verb === undefined || !Object.hasOwn(VERBS, verb)) {
    process.stderr.write(`${verb === undefined ? "No verb was given" : `'${verb}' is not a verb`}.\n\n${help()}`);
    return 2;
  }
  await ensurePackages({ folder: root, what: "packages", lockFolder: join(root, ".unum", "ready.lock") });
  linkCommand();
  const script = join(root, "scripts", "verbs", `${verb}.ts`);
  if (nodeIsNewEnough()) {
    keepQuietAboutKnownFeatures();
    process.env["PATH"] = envWithNode(process.execPath)["PATH"];
    const { run } = await import(pathToFileURL(script).href);
    return await run(args);
  }
  const node = await pinnedNode(root);
  proveItRuns(node);
  return await handOver(node, [fileURLToPath(import.meta.url), verb, ...args], { env: envWithNode(node) });
}

/** npm links the commands of a package's dependencies, not its own; with this link `npx unum` starts without asking npm's cache. */
function linkCommand() {
  const link = join(root, "node_modules", ".bin", "unum");
  if (existsSync(link) || process.platform === "win32") return;
  try {
    symlinkSync(join("..", "..", "bin", "unum.mjs"), link);
  } catch {
    // A read-only checkout works without it: npx then takes the slower way.
  }
}

function help() {
  const rows = Object.entries(VERBS).map(([verb, does]) => `  ${verb.padEnd(10)}${does}`);
  return `Usage: node scripts/ready.mjs VERB [ARGUMENTS]\n\n${rows.join("\n")}\n`;
}
