/**
 * Completion scripts, made from the verbs and flags. They hold all words of the program itself; whoever installs
 * another version makes them again. Only names of a node, such as its groups, are asked for when Tab is pressed.
 *
 * All three walk the words before the cursor in the same way: flags and their values are skipped, and a word that
 * leads to a verb goes one step further. What may stand behind a flag is a short text that the script's own function
 * `offer` reads: `file`, `folder`, `words a b c`, `named group`.
 */
import { flagsWithValues, type Place, type Value } from './model.ts';

/** A text in single quotes, for bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same for fish, which knows a backslash inside of them. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function alternatives(words: readonly string[]): string {
  return words.length === 0 ? "''" : words.map(quoted).join('|');
}

const flagNames = (place: Place): string[] => place.flags.map(({ long }) => long);

/** A value as the scripts read it. */
function spelled(value: Value): string {
  if (value.kind === 'words') return `words ${value.words.join(' ')}`;
  return value.kind === 'named' ? `named ${value.of}` : value.kind;
}

/** The cases of `$place $prev` that have a value, grouped by value: the same in bash and zsh. */
function valueCases(places: readonly Place[], open: string): string {
  const byValue = new Map<string, string[]>();
  for (const { path, flags } of places)
    for (const { long, value } of flags) {
      if (value.kind === 'none') continue;
      const patterns = byValue.get(spelled(value)) ?? [];
      byValue.set(spelled(value), [...patterns, `${path} ${long}`]);
    }
  const lines = Array.from(
    byValue,
    ([value, patterns]) => `    ${open}${alternatives(patterns)}) value=${quoted(value)} ;;`,
  );
  return lines.join('\n');
}

export function bashCompletion(places: readonly Place[]): string {
  const words = places.map(
    (place) => `    ${quoted(place.path)})
      verbs=${quoted(place.verbs.map(({ name }) => name).join(' '))}
      flags=${quoted(flagNames(place).join(' '))}
      argument=${quoted(spelled(place.argument))} ;;`,
  );
  return `# Completion for bash. To use it, put this line into ~/.bashrc:
#   source <(lb completion bash)
_lb_offer() {
  case "$1" in
    folder) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
    file) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    words\\ *) COMPREPLY=($(compgen -W "\${1#words }" -- "$cur")) ;;
    named\\ *)
      COMPREPLY=($(compgen -W "$(lb completion-values "\${1#named }" "\${where[@]}" 2>/dev/null)" -- "$cur")) ;;
  esac
}
_lb() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local place='' verbs='' flags='' argument='' value='' where=() i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      --data|--context|--group)
        ((i + 1 < COMP_CWORD)) && where+=("\${COMP_WORDS[i]}" "\${COMP_WORDS[i+1]}"); i=$((i + 1)); continue ;;
      ${alternatives(flagsWithValues(places))}) i=$((i + 1)); continue ;;
      -*) continue ;;
    esac
    case "\${place:+$place }\${COMP_WORDS[i]}" in
      ${alternatives(places.slice(1).map(({ path }) => path))}) place="\${place:+$place }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$place $prev" in
${valueCases(places, '')}
  esac
  if [[ -n "$value" ]]; then _lb_offer "$value"; return; fi
  case "$place" in
${words.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n "$verbs" ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
  else
    _lb_offer "$argument"
  fi
}
complete -F _lb lb
`;
}

export function zshCompletion(places: readonly Place[]): string {
  const described = (name: string, text: string): string => quoted(`${name.replaceAll(':', '\\:')}:${text}`);
  const words = places.map(
    (place) => `    (${quoted(place.path)})
      verbs=(${place.verbs.map(({ name, summary }) => described(name, summary)).join(' ')})
      flags=(${place.flags.map(({ long, description }) => described(long, description)).join(' ')})
      argument=${quoted(spelled(place.argument))} ;;`,
  );
  return `#compdef lb
# Completion for zsh. To use it, put this line into ~/.zshrc, behind "autoload -Uz compinit && compinit":
#   source <(lb completion zsh)
_lb_offer() {
  case "$1" in
    (folder) _files -/ ;;
    (file) _files ;;
    ('words '*) compadd -- \${=1#words } ;;
    ('named '*) compadd -- \${(f)"$(lb completion-values \${1#named } $where 2>/dev/null)"} ;;
    (other) _message 'a value' ;;
  esac
}
_lb() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" place='' value='' argument='' i
  local -a verbs flags where
  for ((i = 2; i < CURRENT; i++)); do
    case "\${words[i]}" in
      (--data|--context|--group)
        ((i + 1 < CURRENT)) && where+=("\${words[i]}" "\${words[i+1]}"); i=$((i + 1)); continue ;;
      (${alternatives(flagsWithValues(places))}) i=$((i + 1)); continue ;;
      (-*) continue ;;
    esac
    case "\${place:+$place }\${words[i]}" in
      (${alternatives(places.slice(1).map(({ path }) => path))}) place="\${place:+$place }\${words[i]}" ;;
    esac
  done
  case "$place $prev" in
${valueCases(places, '(')}
  esac
  if [[ -n "$value" ]]; then _lb_offer "$value"; return; fi
  case "$place" in
${words.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then
    _describe -o 'flag' flags
  elif (( \${#verbs} )); then
    _describe 'verb' verbs
  else
    _lb_offer "$argument"
  fi
}
if [ "\${funcstack[1]}" = '_lb' ]; then _lb "$@"; else compdef _lb lb; fi
`;
}

/** What fish offers for a value: the part of a \`complete\` behind its condition. */
function fishValue(value: Value): string {
  switch (value.kind) {
    case 'none':
      return '';
    case 'file':
      return ' -r -F';
    case 'folder':
      return " -x -a '(__fish_complete_directories)'";
    case 'words':
      return ` -x -a ${fishQuoted(value.words.join(' '))}`;
    case 'named':
      return ` -x -a ${fishQuoted(`(__lb_named ${value.of})`)}`;
    case 'other':
      return ' -x';
  }
}

/** The same for an argument, which follows no flag. */
function fishArgument(value: Value): string | undefined {
  if (value.kind === 'file') return ' -F';
  return value.kind === 'none' || value.kind === 'other' ? undefined : fishValue(value).replace(' -x', '');
}

export function fishCompletion(places: readonly Place[]): string {
  const values = flagsWithValues(places).map(fishQuoted);
  const paths = places.slice(1).map(({ path }) => fishQuoted(path));
  const lines = places.flatMap((place) => {
    const here = `-n ${fishQuoted(`__lb_at ${fishQuoted(place.path)}`)}`;
    const argument = fishArgument(place.argument);
    return [
      ...place.verbs.map(
        ({ name, summary }) => `complete -c lb ${here} -a ${name} -d ${fishQuoted(summary)}`,
      ),
      ...place.flags.map(
        ({ long, value, description }) =>
          `complete -c lb ${here} -l ${long.slice(2)}${fishValue(value)} -d ${fishQuoted(description)}`,
      ),
      ...(argument === undefined ? [] : [`complete -c lb ${here}${argument}`]),
    ];
  });
  return `# Completion for fish. To use it:
#   lb completion fish > ~/.config/fish/completions/lb.fish
function __lb_at
    set -l place ''
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
            continue
        end
        if contains -- $word ${values.join(' ')}
            set skip yes
            continue
        end
        set -l next (string trim -- "$place $word")
        if contains -- $next ${paths.join(' ')}
            set place $next
        end
    end
    test "$place" = "$argv[1]"
end
function __lb_named
    set -l where
    set -l words (commandline -opc)
    for i in (seq 2 (math (count $words) - 1))
        if contains -- $words[$i] --data --context --group
            set -a where $words[$i] $words[(math $i + 1)]
        end
    end
    lb completion-values $argv[1] $where 2>/dev/null
end
complete -c lb -f
${lines.join('\n')}
`;
}
