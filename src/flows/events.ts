// What happens in a run, as the journal keeps it. Replaying these in order gives the state again, and runs no user's code:
// what a router decided and what a join put together stand in the events.

/** Where an item goes: along an edge, or nowhere (`edge` -1), with the reason. */
export interface Delivery {
  readonly edge: number;
  readonly value: Uint8Array;
  readonly reason: string;
}

export type FlowEvent =
  /** A new item at a source. Ids of tasks follow from the order of events. */
  | {
      readonly kind: "submitted";
      readonly at: number;
      readonly node: number;
      readonly key: string;
      readonly deliveries: readonly Delivery[];
    }
  /** An attempt begins. */
  | { readonly kind: "leased"; readonly at: number; readonly task: number }
  /** The step is done with it; it moves on, or is split into parts. */
  | {
      readonly kind: "completed";
      readonly at: number;
      readonly task: number;
      readonly split: boolean;
      readonly deliveries: readonly Delivery[];
      /** What may have to be undone, where the step can be. */
      readonly undo: Uint8Array | undefined;
    }
  /** An attempt ended otherwise. `retryAt` 0: no further one. */
  | {
      readonly kind: "failed";
      readonly at: number;
      readonly task: number;
      readonly cause: "fail" | "time out";
      readonly reason: string;
      readonly retryAt: number;
    }
  /** It ends without a result. */
  | {
      readonly kind: "ended";
      readonly at: number;
      readonly task: number;
      readonly as: "dead" | "expired" | "cancelled" | "done";
      readonly reason: string;
    }
  /** The parts of an item are together, or as many as will be. */
  | {
      readonly kind: "joined";
      readonly at: number;
      readonly task: number;
      readonly split: boolean;
      readonly deliveries: readonly Delivery[];
    }
  /** A join of the whole run, or a batch, lets `taken` items go on as new ones. */
  | {
      readonly kind: "gathered";
      readonly at: number;
      readonly node: number;
      readonly taken: number;
      readonly results: readonly (readonly Delivery[])[];
    }
  /** An attempt to undo the last step that is not undone yet has ended: well where `reason` is "". `retryAt` 0: no further one. */
  | {
      readonly kind: "undo";
      readonly at: number;
      readonly task: number;
      readonly reason: string;
      readonly retryAt: number;
    }
  /** An operator lets it try again. */
  | { readonly kind: "revived"; readonly at: number; readonly task: number }
  | { readonly kind: "control"; readonly at: number; readonly control: Control };

/** What concerns the whole run. */
export type Control =
  | { readonly what: "opened"; readonly epoch: number; readonly version: string }
  | { readonly what: "closed" }
  | { readonly what: "paused" }
  | { readonly what: "resumed" }
  | { readonly what: "cancelled"; readonly reason: string }
  | { readonly what: "limits"; readonly edge: string; readonly policy: Readonly<Record<string, number | string>> }
  | { readonly what: "fired"; readonly schedule: string; readonly dueAt: number }
  | { readonly what: "finished"; readonly as: "done" | "failed" | "cancelled" };
