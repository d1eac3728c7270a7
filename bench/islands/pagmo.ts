// pagmo beside Unum: programs of bench/peers, compiled at first use where its library is; where it is not and may be, Debian's packages are installed.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";

export const PAGMO_PACKAGES: readonly string[] = [
  "g++",
  "libpagmo-dev",
  "libeigen3-dev",
  "libboost-serialization-dev",
  "libtbb-dev",
];
const LIBRARIES = ["-lpagmo", "-lboost_serialization", "-ltbb", "-lpthread", "-I/usr/include/eigen3"];
const HEADER = "/usr/include/pagmo/algorithm.hpp";

/** `name`: of the source here, without its ending. Undefined where it cannot be had: the figures beside it are left out then. */
export function pagmoProgram(name: string): string | undefined {
  const folder = new URL("../../.unum/", import.meta.url).pathname;
  const source = new URL(`../peers/${name}.cpp`, import.meta.url).pathname;
  const program = `${folder}${name}`;
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(folder, { recursive: true });
  if (!existsSync(HEADER)) install();
  try {
    execFileSync("g++", ["-O3", "-std=c++17", source, "-o", program, ...LIBRARIES], { stdio: "pipe" });
    return program;
  } catch {
    process.stderr.write(`pagmo is not here: apt-get install ${PAGMO_PACKAGES.join(" ")}\n`);
    return undefined;
  }
}

export function runPagmo(program: string, args: readonly (string | number)[]): string {
  return execFileSync(program, args.map(String), { encoding: "utf8" }).trim();
}

/** Only root may; what fails is told by what lacks afterwards. */
function install(): void {
  if (process.getuid?.() !== 0) return;
  try {
    execFileSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...PAGMO_PACKAGES], {
      stdio: "ignore",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  } catch {
    // Without it the bench says so and leaves pagmo's figures out.
  }
}
