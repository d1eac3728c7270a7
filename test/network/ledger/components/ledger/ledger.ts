// Acts on others in three ways, each of which says by which epoch. Packed by a test, which puts its contracts beside it.

import { component } from "unum";
import { Ledger } from "../../../../gen/unum/test/v1/ledger_pb.ts";
import { Letters } from "../../../../gen/unum/test/v1/letters_pb.ts";

export default component(
  Ledger,
  {
    async write({ node, journal, text }, call) {
      const { epoch, container } = call;
      const letter = (how: string) => ({ journal, text: `${epoch}:${how}:${text}` });
      await call.store.put({ key: `written/${text}`, bytes: new Uint8Array([1]) });
      await call.send(Letters.method.put, letter("kept"), { durable: { node } });
      await call.send(Letters.method.put, letter("sent"), { wantResult: false });
      return { epoch: BigInt(epoch), container };
    },
  },
  { version: "1.0.0" },
);
