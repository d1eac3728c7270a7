// The same steps as the flow that is killed.

export { default } from "../../../kills-flow/components/steps/steps.ts";
