// The packages a folder's package-lock.json names, installed once and known by a stamp that holds the lock's hash.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { NotReady } from "./not-ready.mjs";

const INSTALL_LIMIT_MS = 15 * 60_000;
const OUTPUT_LIMIT = 64 * 1024;
const ERROR_LINES = 20;
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|network/i;

/**
 * Installs when the lock changed or nothing is there; install scripts never run.
 * @param {{ folder: string, what: string, lockFolder: string }} options `folder` holds package-lock.json and node_modules; `what` completes "Installing …".
 */
export async function ensurePackages({ folder, what, lockFolder }) {
  const stamped = () => readIfThere(stampPath(folder)) === lockHash(folder);
  if (stamped()) return;
  await withLock(lockFolder, { waitMs: INSTALL_LIMIT_MS, onWait: sayWaiting }, async () => {
    if (stamped()) return;
    if (!matchesWhatNpmInstalled(folder)) await install(folder, what);
    await mkdir(join(folder, "node_modules"), { recursive: true });
    await writeFile(stampPath(folder), lockHash(folder));
  });
}

function sayWaiting(/** @type {string} */ pid) {
  process.stderr.write(`Waiting for process ${pid}, which is installing packages here.\n`);
}

/** @param {string} folder */
function lockHash(folder) {
  return createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
}

/** @param {string} folder */
function stampPath(folder) {
  return join(folder, "node_modules", ".ready");
}

/** @param {string} path */
function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/**
 * After `npm ci` by hand there is no stamp, but npm's own record of what it installed.
 * Packages for other platforms are in the lock only, so an optional one may be missing.
 * @param {string} folder
 */
function matchesWhatNpmInstalled(folder) {
  const record = readIfThere(join(folder, "node_modules", ".package-lock.json"));
  if (record === undefined) return false;
  const installed = packagesIn(record);
  return Object.entries(packagesIn(readFileSync(join(folder, "package-lock.json"), "utf8"))).every(([path, wanted]) => {
    if (path === "") return true;
    const found = installed[path];
    return found === undefined ? wanted.optional === true : found.integrity === wanted.integrity;
  });
}

/**
 * @param {string} lockText
 * @returns {Record<string, { integrity?: string, optional?: boolean }>}
 */
function packagesIn(lockText) {
  return JSON.parse(lockText).packages ?? {};
}

/** @param {string} folder @param {string} what */
async function install(folder, what) {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  const live = process.stderr.isTTY;
  process.stderr.write(`Installing ${what} …${live ? "" : "\n"}`);
  const ticking = live && setInterval(() => process.stderr.write(`\rInstalling ${what} … ${seconds()}`), 250);
  try {
    const { code, output } = await runNpm(folder, [
      ...["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--prefer-offline"],
      ...["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retry-mintimeout=2000"],
    ]);
    if (code !== 0) throw new NotReady(`${live ? "\n" : ""}${whyItFailed(folder, what, output)}`);
  } finally {
    if (ticking) clearInterval(ticking);
  }
  process.stderr.write(`${live ? "\r" : ""}Installed ${what} in ${seconds()}.${live ? "    " : ""}\n`);
}

/** @param {string} folder @param {string} what @param {string} output */
function whyItFailed(folder, what, output) {
  const wayOut = UNREACHABLE.test(output)
    ? "The npm registry could not be reached. It is needed once; connect, or set npm's 'registry' or 'proxy', and run the same command again."
    : `Run 'npm ci --ignore-scripts' in ${folder} to see more.`;
  return `${meat(output)}\n\nCould not install ${what}. ${wayOut}`;
}

/**
 * npm ends many errors with its manual.
 * @param {string} output
 */
function meat(output) {
  const told = output.split("\n").filter((line) => !line.startsWith("npm warn"));
  const manual = told.findIndex((line) => /^npm error Usage:/.test(line));
  return told
    .slice(0, manual === -1 ? ERROR_LINES : Math.min(manual, ERROR_LINES))
    .join("\n")
    .trimEnd();
}

/**
 * @param {string} folder
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function runNpm(folder, args) {
  // Under `npm start` this is the npm that runs us; it may be a JavaScript file, which this Node can run.
  const running = process.env["npm_execpath"];
  const [command, before] = running?.endsWith("js") ? [process.execPath, [running]] : ["npm", []];
  return new Promise((resolve, reject) => {
    const npm = spawn(command, [...before, ...args], {
      cwd: folder,
      env: withoutOuterNpm(process.env),
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32" && command === "npm",
      timeout: INSTALL_LIMIT_MS,
    });
    let output = "";
    const keep = (/** @type {Buffer} */ bytes) => {
      output = (output + bytes.toString()).slice(-OUTPUT_LIMIT);
    };
    npm.stdout.on("data", keep);
    npm.stderr.on("data", keep);
    npm.on("error", (error) =>
      reject(new NotReady(`npm could not be started (${error.message}); it comes with Node.js.`)),
    );
    npm.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * What the outer npm says about its own package would mislead the inner one; settings (npm_config_registry) stay.
 * @param {NodeJS.ProcessEnv} env
 */
function withoutOuterNpm(env) {
  const misleading = /^npm_(package|lifecycle|command|execpath|node_execpath|config_local_prefix|config_prefix)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !misleading.test(name)));
}
