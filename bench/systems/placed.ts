// Unum as a program outside of a node uses it: it knows the node's door, is told who is there, and places each call.

import { newNodeClient } from "../../src/index.ts";
import { systemEnv } from "../../src/system/env.ts";
import type { Calling, Serving } from "./system.ts";
import { callingOn, wire } from "./unum.ts";

const DOOR_MS = 30_000;

export function serve(): Promise<Serving> {
  return Promise.reject(new Error("the containers of a governor serve these calls (bench/governor)"));
}

/** `address`: of the door. */
export async function connect(address: string): Promise<Calling> {
  return callingOn(
    await newNodeClient({ env: systemEnv(), transports: [wire()], seeds: [address], withinMs: DOOR_MS }),
  );
}
