// npm run generate: the TypeScript of every contract here, from its .proto files.

import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./root.ts";
import { type ToolResult, tool } from "./tools.ts";

/** One buf.gen.yaml: what it reads is said in it, or lies beside it. */
export interface Template {
  readonly path: string;
  /** Folders it writes, from the root. */
  readonly outputs: readonly string[];
  readonly input: readonly string[];
}

export async function run(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    process.stderr.write("Usage: npm run generate\n\nWrites the TypeScript of every buf.gen.yaml's contracts.\n");
    return args[0] === "--help" ? 0 : 2;
  }
  for (const template of templates()) {
    const { ok, output } = await generate(template);
    process.stdout.write(`${ok ? "generated" : "FAILED"}  ${template.outputs.join(", ")}\n${output}`);
    if (!ok) return 1;
  }
  return 0;
}

export function templates(): Template[] {
  const paths = globSync("{,src/**/,bench/**/,examples/**/,test/**/}buf.gen.yaml", {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  });
  return paths.sort().map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    const outputs = [...text.matchAll(/^\s*out:\s*(\S+)/gm)].map(([, folder = ""]) => folder);
    const saysItself = path === "buf.gen.yaml" || /^inputs:/m.test(text);
    return { path, outputs, input: saysItself ? [] : [dirname(path)] };
  });
}

/** Into the checkout, or below another folder. */
export function generate(template: Template, into?: string): Promise<ToolResult> {
  const elsewhere = into === undefined ? [] : ["-o", into];
  return tool("buf", ["generate", ...template.input, "--template", template.path, ...elsewhere]);
}
