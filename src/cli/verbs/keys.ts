// unum keys: the key that signs archives and what should run.

import { publicKeyText } from "../../machine/archive/minisign.ts";
import { EXIT } from "../exit-code.ts";
import { shown } from "../failure-text.ts";
import { ownKey } from "../machine/key-folder.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

export function addKeys({ program, terminal, end }: Stage): void {
  program
    .command("keys")
    .summary("your key, which signs archives and commands")
    .description(
      "Shows your key, and makes it where there is none: $UNUM_HOME/keys/operator.pem is the secret, operator.pub what others may know. Others check what you signed with 'minisign -Vm FILE -p operator.pub'.",
    )
    .option("--json", "id, public key and paths as one JSON object")
    .addHelpText("after", examples(["unum keys", "minisign -Vm dist/thumbnails-1.2.0.zip -p .unum/keys/operator.pub"]))
    .addHelpText(
      "after",
      "\nExit codes:\n  0    ok\n  2    usage: what is there is no key\n  4    refused: others can read the secret",
    )
    .action(async ({ json }: { json?: boolean }) => end(await keys(json === true, terminal)));
}

async function keys(json: boolean, { print, say }: Terminal): Promise<number> {
  const { key, path, publicPath, isNew } = await ownKey();
  const publicKey = publicKeyText(key).split("\n")[1] ?? "";
  if (json) print(JSON.stringify({ id: key.id, publicKey, path, publicPath, isNew }));
  else {
    say(
      `key ${key.id}${isNew ? ", made just now" : ""}; the secret is in ${shown(path)}: keep a copy where nobody else can read it`,
    );
    print(publicKey);
  }
  return EXIT.ok;
}
