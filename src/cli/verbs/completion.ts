// unum completion: what a shell needs to complete verbs, options and folders, made from the command itself.

import type { Command } from "commander";
import { didYouMean } from "../../base/nearest.ts";
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
  /** Its own: `unum flow run`. */
  readonly verbs: readonly Verb[];
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
    words: words.get(command.name()),
    verbs: command.commands.map((each) => verbOf(each, new Map())),
  };
}

function bash(verbs: readonly Verb[]): string {
  return `_unum() {
  local word=\${COMP_WORDS[COMP_CWORD]} words=
${bashWords(verbs, 1, ["--help", "--version"], "  ")}
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _unum unum`;
}

/** `index`: of the word that says which of the verbs. */
function bashWords(verbs: readonly Verb[], index: number, others: readonly string[], indent: string): string {
  const cases = verbs.map(({ name, options, words = [], verbs: own }) => {
    const named = ["--help", ...options.map(({ long }) => long), ...words];
    const within =
      own.length === 0
        ? `${indent}    words=${quoted(named.join(" "))}`
        : bashWords(own, index + 1, named, `${indent}    `);
    return `${indent}  ${name})\n${within} ;;`;
  });
  return `${indent}if [ "$COMP_CWORD" -eq ${index} ]; then words=${quoted([...verbs.map(({ name }) => name), ...others].join(" "))}
${indent}else case \${COMP_WORDS[${index}]} in
${cases.join("\n")}
${indent}esac; fi`;
}

function zsh(verbs: readonly Verb[]): string {
  return `#compdef unum
_unum() {
  local -a verbs
  local verb
${zshVerbs(verbs, "  ")}
}
compdef _unum unum`;
}

/** `words` begin with the word before that of these verbs. */
function zshVerbs(verbs: readonly Verb[], indent: string): string {
  const rows = verbs.map(({ name, summary }) => `${indent}  ${quoted(`${name}:${summary}`)}`);
  const cases = verbs.map(({ name, options, words, verbs: own }) => {
    if (own.length > 0) return `${indent}  ${name})\n${zshVerbs(own, `${indent}    `)} ;;`;
    const specs = options.map(({ long, description, takesValue }) =>
      quoted(`${long}[${description.replaceAll(/[[\]:]/g, "\\$&")}]${takesValue ? ":value:_files" : ""}`),
    );
    const argument = words === undefined ? `'*:file:_files'` : quoted(`*:word:(${words.join(" ")})`);
    return `${indent}  ${name}) _arguments ${[...specs, argument].join(" ")} ;;`;
  });
  return `${indent}verbs=(
${rows.join("\n")}
${indent})
${indent}if (( CURRENT == 2 )); then
${indent}  _describe verb verbs
${indent}  return
${indent}fi
${indent}verb=$words[2]
${indent}shift words; (( CURRENT-- ))
${indent}case $verb in
${cases.join("\n")}
${indent}esac`;
}

function fish(verbs: readonly Verb[]): string {
  const lines = verbs.flatMap((verb) => [
    `complete -c unum -n __fish_use_subcommand -a ${verb.name} -d ${quoted(verb.summary)}`,
    ...fishWithin(verb, `__fish_seen_subcommand_from ${verb.name}`),
  ]);
  return ["complete -c unum -f -n __fish_use_subcommand", ...lines].join("\n");
}

/** What comes behind a verb, where the condition holds. */
function fishWithin({ options, words, verbs }: Verb, when: string): string[] {
  const none = `${when}; and not __fish_seen_subcommand_from ${verbs.map(({ name }) => name).join(" ")}`;
  return [
    ...options.map(({ long, description, takesValue }) => {
      const value = takesValue ? " -r" : "";
      return `complete -c unum -n ${quoted(when)} -l ${long.slice(2)}${value} -d ${quoted(description)}`;
    }),
    ...(words === undefined ? [] : [`complete -c unum -f -n ${quoted(when)} -a ${quoted(words.join(" "))}`]),
    ...verbs.flatMap((own) => [
      `complete -c unum -f -n ${quoted(none)} -a ${own.name} -d ${quoted(own.summary)}`,
      ...fishWithin(own, `${when}; and __fish_seen_subcommand_from ${own.name}`),
    ]),
  ];
}

/** Single quotes, as all three shells read them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
