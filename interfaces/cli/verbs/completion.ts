/** `completion`: what a shell needs to complete verbs and flags. */
import type { Command } from 'commander';
import { NAMED_KINDS } from '../completion/model.ts';
import { type CliContext, verb } from '../context.ts';
import { parseWord } from '../parse.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function registerCompletion(program: Command, context: CliContext): void {
  verb(
    program,
    context,
    {
      usage: 'completion',
      summary: 'Print the completion of verbs and flags for a shell.',
      heading: 'Operation',
      runsHere: true,
      example: 'lb completion bash > lb-completion.bash\nlb completion zsh\nlb completion fish',
      details:
        'bash: put "source <(lb completion bash)" into ~/.bashrc. zsh: the same with zsh into ~/.zshrc, behind compinit. fish: write it to ~/.config/fish/completions/lb.fish.',
    },
    (command) => command.argument('<shell>', SHELLS.join(', ')),
    async (run) => {
      const shell = parseWord(run.args[0]!, 'shell', SHELLS);
      const { placesOf } = await import('../completion/model.ts');
      const { bashCompletion, fishCompletion, zshCompletion } = await import('../completion/scripts.ts');
      const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
      const script = scripts[shell](placesOf(program));
      run.print({ shell, script }, () => run.out.write(script));
    },
  );
  verb(
    program,
    context,
    {
      usage: 'completion-values',
      summary: 'List what a value may name, for the scripts of the completion.',
      heading: 'Operation',
      isHidden: true,
      inGroup: true,
      example: 'lb completion-values group',
    },
    (command) => command.argument('<kind>', NAMED_KINDS.join(', ')),
    async (run) => {
      const kind = parseWord(run.args[0]!, 'kind', NAMED_KINDS);
      const { namesOf } = await import('../completion/names.ts');
      const names = await namesOf(kind, run, program);
      run.print({ names }, () => run.out.write(names.map((name) => `${name}\n`).join('')));
    },
  );
}
