// A run that is routed, as a component: its status, its tasks and its commands for whoever may reach it.

import { type Component, component, Fault } from "unum";
import { type Clock, sleep } from "../base/clock.ts";
import type { FlowRun } from "./flow-run.ts";
import { FlowControl, type RunStatus, type TaskStatus as TaskMessage } from "./gen/unum/flows/v1/control_pb.ts";
import type { RunProgress } from "./router/run-progress.ts";
import type { TaskStatus } from "./subscriptions.ts";
import { STATES, type State } from "./task.ts";

type Init<T> = Omit<T, "$typeName" | "$unknown">;

export interface ControlParts {
  readonly clock: Clock;
  readonly run: FlowRun;
  /** Containers that work for it now. */
  readonly workers: () => number;
  /** Asked to end this router, and leave the run for another. */
  readonly stop: () => void;
}

const LEAST_WATCH_MS = 20;

export function flowControl({ clock, run, workers, stop }: ControlParts): Component {
  const status = () => runStatus(run, run.progress, { workers: workers(), blocked: run.isBlocked });
  return component(
    FlowControl,
    {
      status,
      watch: async function* ({ everyMs }, call) {
        let last = "";
        for (;;) {
          const now = status();
          const text = JSON.stringify(now, (_, value) => (typeof value === "bigint" ? String(value) : value));
          if (text !== last) yield now;
          last = text;
          if (now.finished !== "") return;
          await sleep(clock, Math.max(LEAST_WATCH_MS, everyMs), call.signal);
        }
      },
      tasks: async ({ states, at, root, after, limit, task }) => {
        if (task > 0n) {
          const found = await run.status(Number(task));
          return { position: 0n, tasks: found === undefined ? [] : [taskMessage(found)], counts: {} };
        }
        const snapshot = await run.states({
          ...(states.length > 0 && { states: states.map(stateNamed) }),
          ...(at !== "" && { at }),
          ...(root > 0n && { root: Number(root) }),
          ...{ after: Number(after), limit: limit || 1_000 },
        });
        const counts = Object.fromEntries(
          Object.entries(snapshot.counts).map(([state, count]) => [state, BigInt(count)]),
        );
        return { position: BigInt(snapshot.position), tasks: snapshot.tasks.map(taskMessage), counts };
      },
      followTask: async function* ({ task }) {
        for await (const each of run.statusFor(Number(task))) yield taskMessage(each);
      },
      command: async ({ command, task, reason, at, policy }) => {
        const id = Number(task);
        switch (command) {
          case "pause":
            await run.pause();
            return { said: "paused: what runs goes on, nothing new begins" };
          case "resume":
            await run.resume();
            return { said: "goes on" };
          case "cancel":
            await (id === 0 ? run.cancel(reason || undefined) : run.cancelTask(id, reason || undefined));
            return { said: id === 0 ? "cancelled" : `task ${id} is cancelled` };
          case "retry":
            await run.retry(id);
            return { said: `task ${id} tries again` };
          case "replay":
            return { said: `task ${await run.replay(id, at)} goes the way of task ${id} again, from '${at}'` };
          case "limits":
            // An object of numbers and names, as its sender wrote it; each is checked.
            await run.limits(at, JSON.parse(policy) as Record<string, number | string>);
            return { said: `${at} has new limits` };
          case "stop":
            stop();
            return { said: "its router ends; the run can be resumed" };
          default:
            throw new Fault(
              "invalid",
              `there is no command '${command}'; there is pause, resume, cancel, retry, replay, limits, stop`,
            );
        }
      },
    },
    { concurrency: 1_000, budgetMs: 60_000 },
  );
}

export function stateNamed(text: string): State {
  const state = STATES.find((known) => known === text);
  if (state === undefined) throw new Fault("invalid", `'${text}' is no state of a task; there is ${STATES.join(", ")}`);
  return state;
}

export function runStatus(
  {
    id,
    graph,
    damage,
  }: Pick<FlowRun, "id" | "damage"> & { readonly graph: { readonly name: string; readonly version: string } },
  progress: RunProgress,
  { workers, blocked }: { readonly workers: number; readonly blocked: boolean },
): Init<RunStatus> {
  const {
    nodes,
    edges,
    items,
    ended,
    dead,
    late,
    undoing,
    undone,
    cancelled,
    paused,
    closed,
    trouble = "",
    finished = "",
  } = progress;
  return {
    ...{
      run: id,
      flow: graph.name,
      version: graph.version,
      paused,
      closed,
      blocked,
      trouble,
      finished,
      workers,
      stopping: "",
    },
    ...{ items: BigInt(items), ended: BigInt(ended), dead: BigInt(dead), late: BigInt(late), damage: [...damage] },
    ...{ undoing: BigInt(undoing), undone: BigInt(undone), cancelled },
    nodes: nodes.map((node) => ({
      $typeName: "unum.flows.v1.NodeStatus",
      ...{ name: node.name, kind: node.kind, waiting: BigInt(node.waiting), running: BigInt(node.running) },
      ...{ retrying: BigInt(node.retrying), done: BigInt(node.done), failures: BigInt(node.failures) },
      ...{ dead: BigInt(node.dead), held: BigInt(node.held) },
    })),
    edges: edges.map(({ name, items: held, bytes, policy }) => ({
      $typeName: "unum.flows.v1.EdgeStatus",
      ...{ name, items: BigInt(held), bytes: BigInt(bytes), policy: JSON.stringify(policy) },
    })),
  };
}

export function taskMessage(status: TaskStatus): TaskMessage {
  const { task, state, at, attempt, sequence, changedAt, reason, progress = -1, note = "" } = status;
  return {
    $typeName: "unum.flows.v1.TaskStatus",
    ...{
      task: BigInt(task),
      state,
      at,
      attempt,
      sequence: BigInt(sequence),
      changedAt: BigInt(changedAt),
      reason,
      progress,
      note,
    },
  };
}
