// unum completion: what a shell needs to complete verbs, options and folders, made from the command itself.

import type { Command } from "commander";
import { didYouMean } from "../../messages/nearest.ts";
import { EXIT } from "../exit-code.ts";
import { CHAPTERS } from "../tour/chapters.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

const SHELLS: Readonly<Record<string, (verbs: readonly Verb[]) => string>> = { bash, zsh, fish };

interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly long: string; readonly description: string; readonly takesValue: boolean }[];
  /** What its arguments may be; undefined where that is no word of a list. */
  readonly words: readonly string[] | undefined;
}

export function addCompletion({ program, terminal, end }: Stage): void {
  const names = Object.keys(SHELLS);
  program
    .command("completion")
    .summary("a script that completes this command in your shell")
    .description("Prints a script that completes verbs, options and files.")
    .argument("<shell>", names.join(", "))
    .addHelpText(
      "after",
      examples([
        "source <(unum completion bash)                          # in ~/.bashrc",
        "source <(unum completion zsh)                           # in ~/.zshrc, after compinit",
        "unum completion fish > ~/.config/fish/completions/unum.fish",
      ]),
    )
    .action((shell: string) => {
      const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (script === undefined) {
        throw new UsageError(
          `no completion for '${shell}'${didYouMean(shell, names) || "; there is"} ${names.join(", ")}`,
        );
      }
      const words = new Map([
        ["completion", names],
        ["tour", CHAPTERS.map(({ name }) => name)],
      ]);
      terminal.print(script(program.commands.map((command) => verbOf(command, words))));
      end(EXIT.ok);
    });
}

function verbOf(command: Command, words: ReadonlyMap<string, readonly string[]>): Verb {
  return {
    name: command.name(),
    summary: command.summary() || command.description(),
    options: command.options.flatMap(({ long, description, required }) =>
      long === undefined || long === null ? [] : [{ long, description, takesValue: required }],
    ),
    words: words.get(command.name()) ?? subcommandsOf(command),
  };
}

function subcommandsOf(command: Command): readonly string[] | undefined {
  return command.commands.length === 0 ? undefined : command.commands.map((each) => each.name());
}

function bash(verbs: readonly Verb[]): string {
  const cases = verbs.map(
    ({ name, options, words }) =>
      `    ${name}) words=${quoted([...options.map(({ long }) => long), "--help", ...(words ?? [])].join(" "))} ;;`,
  );
  return `_unum() {
  local word=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=${quoted([...verbs.map(({ name }) => name), "--help", "--version"].join(" "))}
  else case \${COMP_WORDS[1]} in
${cases.join("\n")}
    *) words= ;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _unum unum`;
}

function zsh(verbs: readonly Verb[]): string {
  const rows = verbs.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = verbs.map(({ name, options, words }) => {
    const specs = options.map(({ long, description, takesValue }) =>
      quoted(`${long}[${description.replaceAll(/[[\]:]/g, "\\$&")}]${takesValue ? ":value:_files" : ""}`),
    );
    const argument = words === undefined ? `'*:file:_files'` : quoted(`*:word:(${words.join(" ")})`);
    return `    ${name}) _arguments ${[...specs, argument].join(" ")} ;;`;
  });
  return `#compdef unum
_unum() {
  local -a verbs
  verbs=(
${rows.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words; (( CURRENT-- ))
  case $verb in
${cases.join("\n")}
  esac
}
compdef _unum unum`;
}

function fish(verbs: readonly Verb[]): string {
  const lines = verbs.flatMap(({ name, summary, options, words }) => [
    `complete -c unum -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...options.map(({ long, description, takesValue }) => {
      const value = takesValue ? " -r" : "";
      return `complete -c unum -n '__fish_seen_subcommand_from ${name}' -l ${long.slice(2)}${value} -d ${quoted(description)}`;
    }),
    ...(words === undefined
      ? []
      : [`complete -c unum -f -n '__fish_seen_subcommand_from ${name}' -a ${quoted(words.join(" "))}`]),
  ]);
  return ["complete -c unum -f -n __fish_use_subcommand", ...lines].join("\n");
}

/** Single quotes, as all three shells read them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
