// Implements example.v1.Greeter. Its types come from the contract: a wrong answer fails `tsc`.

import { component } from "unum";
import { Greeter } from "./gen/greeter_pb.ts";

export default component(
  Greeter,
  {
    async greet({ name }, { environment }) {
      if (name === "") throw new RangeError("nobody has no name");
      // Kept from call to call, in this container.
      const count = Number(environment.get("count") ?? 0) + 1;
      environment.set("count", count);
      return { text: `Hello, ${name}!`, count };
    },
  },
  { version: "1.0.0" },
);
