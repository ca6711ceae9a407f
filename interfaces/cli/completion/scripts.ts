/**
 * Completion scripts, made from the verbs and flags. They hold everything, so that a press of Tab starts no process;
 * whoever installs another version makes them again.
 *
 * All three walk the words before the cursor in the same way: flags and their values are skipped, and a word that
 * leads to a verb goes one step further.
 */
import { flagsWith, type Place } from './model.ts';

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

export function bashCompletion(places: readonly Place[]): string {
  const files = flagsWith(places, 'file');
  const folders = flagsWith(places, 'folder');
  const others = flagsWith(places, 'other');
  const words = places.map(
    (place) => `    ${quoted(place.path)})
      verbs=${quoted(place.verbs.map(({ name }) => name).join(' '))}
      flags=${quoted(flagNames(place).join(' '))}
      files=${place.takesFile ? 'yes' : ''} ;;`,
  );
  return `# Completion for bash. To use it, put this line into ~/.bashrc:
#   source <(lb completion bash)
_lb() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local place='' verbs='' flags='' files='' i
  COMPREPLY=()
  case "$prev" in
    ${alternatives(folders)}) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
    ${alternatives(files)}) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
    ${alternatives(others)}) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${alternatives([...folders, ...files, ...others])}) i=$((i + 1)); continue ;;
      -*) continue ;;
    esac
    case "\${place:+$place }\${COMP_WORDS[i]}" in
      ${alternatives(places.slice(1).map(({ path }) => path))}) place="\${place:+$place }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$place" in
${words.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n "$verbs" ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
  elif [[ -n "$files" ]]; then
    COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null
  fi
}
complete -F _lb lb
`;
}

export function zshCompletion(places: readonly Place[]): string {
  const files = flagsWith(places, 'file');
  const folders = flagsWith(places, 'folder');
  const others = flagsWith(places, 'other');
  const described = (name: string, text: string): string => quoted(`${name.replaceAll(':', '\\:')}:${text}`);
  const words = places.map(
    (place) => `    ${quoted(place.path)})
      verbs=(${place.verbs.map(({ name, summary }) => described(name, summary)).join(' ')})
      flags=(${place.flags.map(({ long, description }) => described(long, description)).join(' ')})
      files=${place.takesFile ? 'yes' : "''"} ;;`,
  );
  return `#compdef lb
# Completion for zsh. To use it, put this line into ~/.zshrc, behind "autoload -Uz compinit && compinit":
#   source <(lb completion zsh)
_lb() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" place='' files='' i
  local -a verbs flags
  case "$prev" in
    (${alternatives(folders)}) _files -/; return ;;
    (${alternatives(files)}) _files; return ;;
    (${alternatives(others)}) _message 'a value'; return ;;
  esac
  for ((i = 2; i < CURRENT; i++)); do
    case "\${words[i]}" in
      (${alternatives([...folders, ...files, ...others])}) i=$((i + 1)); continue ;;
      (-*) continue ;;
    esac
    case "\${place:+$place }\${words[i]}" in
      (${alternatives(places.slice(1).map(({ path }) => path))}) place="\${place:+$place }\${words[i]}" ;;
    esac
  done
  case "$place" in
${words.join('\n').replaceAll(/^ {4}'/gm, "    ('")}
  esac
  if [[ "$cur" == -* ]]; then
    _describe -o 'flag' flags
  elif (( \${#verbs} )); then
    _describe 'verb' verbs
  elif [[ -n "$files" ]]; then
    _files
  fi
}
if [ "\${funcstack[1]}" = '_lb' ]; then _lb "$@"; else compdef _lb lb; fi
`;
}

export function fishCompletion(places: readonly Place[]): string {
  const withValue = ['file', 'folder', 'other'] as const;
  const values = withValue.flatMap((kind) => flagsWith(places, kind)).map(fishQuoted);
  const paths = places.slice(1).map(({ path }) => fishQuoted(path));
  const lines = places.flatMap((place) => {
    const here = `-n ${fishQuoted(`__lb_at ${fishQuoted(place.path)}`)}`;
    return [
      ...place.verbs.map(
        ({ name, summary }) => `complete -c lb ${here} -a ${name} -d ${fishQuoted(summary)}`,
      ),
      ...place.flags.map(({ long, value, description }) => {
        const takes = {
          none: '',
          other: ' -x',
          file: ' -r -F',
          folder: " -x -a '(__fish_complete_directories)'",
        };
        return `complete -c lb ${here} -l ${long.slice(2)}${takes[value]} -d ${fishQuoted(description)}`;
      }),
      ...(place.takesFile ? [`complete -c lb ${here} -F`] : []),
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
complete -c lb -f
${lines.join('\n')}
`;
}
