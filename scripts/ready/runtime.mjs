// The Node.js that runs Unum: the one at hand where it is new enough, else the pinned one from its npm platform package.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { NotReady } from "./not-ready.mjs";
import { ensurePackages } from "./packages.mjs";

/** The first major version that runs TypeScript sources as they are, without a flag. */
const LEAST_MAJOR = 24;

const PINNED_PLATFORMS = ["linux-x64", "linux-arm64"];

export function nodeIsNewEnough(version = process.versions.node) {
  return Number.parseInt(version, 10) >= LEAST_MAJOR;
}

/**
 * Path of the pinned Node; fetched into the checkout at first use.
 * @param {string} root
 * @returns {Promise<string>}
 */
export async function pinnedNode(root) {
  const platform = `${process.platform}-${process.arch}`;
  if (!PINNED_PLATFORMS.includes(platform)) throw new NotReady(tooOld(`no Node.js package for ${platform} is known`));
  const folder = join(root, "scripts", "node");
  await ensurePackages({ folder, what: "Node.js (pinned)", lockFolder: join(root, ".unum", "ready-node.lock") });
  const path = join(folder, "node_modules", `node-${platform}`, "bin", "node");
  if (!existsSync(path)) throw new NotReady(tooOld(`npm did not install ${path}`));
  return path;
}

/**
 * Whether a Node that was just fetched runs here at all: it is built for glibc.
 * @param {string} path
 */
export function proveItRuns(path) {
  try {
    execFileSync(path, ["--version"], { stdio: "pipe", timeout: 30_000 });
  } catch (error) {
    throw new NotReady(tooOld(`the pinned one does not run here (${error instanceof Error ? error.message : error})`));
  }
}

/**
 * The environment in which a child's `node` is the one at `nodePath`.
 * @param {string} nodePath
 * @returns {NodeJS.ProcessEnv}
 */
export function envWithNode(nodePath) {
  const folder = dirname(nodePath);
  const path = process.env["PATH"] ?? "";
  const already = path.split(delimiter)[0] === folder;
  return { ...process.env, PATH: already ? path : `${folder}${delimiter}${path}` };
}

/** @param {string} why */
function tooOld(why) {
  return `This is Node.js ${process.versions.node} and Unum needs ${LEAST_MAJOR} or newer; ${why}. Install Node.js ${LEAST_MAJOR} or newer and run the same command again.`;
}
