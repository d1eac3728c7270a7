// Programs that have the rights of the nodes' users by one key's word: they end with it.

import { keyIdOf } from "../../machine/keys/signing-key.ts";
import type { MachineView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";

/** What ends when the key with this id may nothing any more, each with the way out. */
export function endWithKey({ programs }: Pick<MachineView, "programs">, key: string): readonly string[] {
  return programs.flatMap(({ name, version, digest, running, loaded }) => {
    const word = loaded.find((each) => each.digest === digest)?.trust;
    if (!running || word === undefined || keyIdOf(word.key).toString("hex") !== key) return [];
    return [
      `${name} ${version} ends: it had the rights of the nodes' users by the word of key ${key}; another operator's 'unum load' of the same archive has it run again`,
    ];
  });
}
