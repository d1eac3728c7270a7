// Looks whether the components folder has changed, and takes what is new; by itself, or because an operator says so.

import { Fault } from "../base/fault.ts";
import type { AcceptedCode } from "./accepted-code.ts";
import type { Events } from "./events.ts";
import type { ComponentsFolder } from "./folder.ts";
import type { Kept } from "./kept.ts";
import type { Served } from "./served.ts";

export class FolderWatch {
  readonly #folder: ComponentsFolder;
  readonly #code: AcceptedCode;
  /** Who takes it, where the deployment lock asks. */
  readonly #me: string;
  readonly #events: Events;

  constructor(folder: ComponentsFolder, code: AcceptedCode, me: string, events: Events) {
    this.#folder = folder;
    this.#code = code;
    this.#me = me;
    this.#events = events;
  }

  async scan(served: Served, containers: () => readonly Kept[]): Promise<void> {
    const answer = await this.#folder.mayTake(this.#me);
    const deploying = answer.may ? "" : answer.holder;
    if (deploying !== served.deploying) {
      this.#events.say("info", answer.may ? "the deployment is over" : `nothing is started while ${deploying} deploys`);
      served.deploying = deploying;
    }
    if (!answer.may) return;
    const digest = await this.#folder.digest();
    served.take({ folder: this.#folder.path, digest }, containers());
    const accepted = digest === served.code.digest && !served.replacing.isUnderWay;
    if (accepted && served.own(containers()).some(({ state, probed }) => state === "serving" && probed)) {
      void this.#code.keep(digest);
    }
  }

  /** Takes the folder as it is now, also where it did not pass before. Rejects with `denied` while somebody deploys. */
  async deploy(
    served: Served,
    containers: () => readonly Kept[],
    force: boolean,
  ): Promise<{ readonly digest: string; readonly serving: boolean }> {
    const answer = await this.#folder.mayTake(this.#me);
    if (!answer.may) {
      throw new Fault(
        "denied",
        `${answer.holder} deploys into ${this.#folder.path}; wait, or remove its lock .deploying`,
      );
    }
    const digest = await this.#folder.digest();
    if (force) await this.#code.force(digest);
    served.take({ folder: this.#folder.path, digest }, containers(), true);
    return { digest, serving: digest === served.code.digest && !served.replacing.isUnderWay };
  }
}
