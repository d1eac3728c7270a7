// Runs a program in this one's place: same terminal, same signals, same end.

import { spawn } from "node:child_process";
import { constants } from "node:os";

/** @type {NodeJS.Signals[]} */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

/** What a terminal sends to every process of its foreground group itself; passed on, the child would get it twice. */
const SENT_BY_TERMINAL = new Set(["SIGINT", "SIGQUIT", "SIGHUP"]);

/**
 * Settles with the exit code; where a signal ended the program, 128 + its number, as a shell says it.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function handOver(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: "inherit" });
    const atTerminal = Boolean(process.stdin.isTTY);
    const passOn = (/** @type {NodeJS.Signals} */ signal) => {
      if (!(atTerminal && SENT_BY_TERMINAL.has(signal))) child.kill(signal);
    };
    for (const signal of PASSED_ON) process.on(signal, passOn);
    const stop = () => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
    };
    child.on("error", (error) => {
      stop();
      reject(error);
    });
    child.on("exit", (code, signal) => {
      stop();
      resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal]));
    });
  });
}
