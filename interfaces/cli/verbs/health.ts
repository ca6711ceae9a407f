/** `doctor` and `check`: how the node is, for a person who wants to know what to do, and for monitors. */
import type { Command } from 'commander';
import { type CliContext, type Run, VerbExit, verb } from '../context.ts';
import { VerdictError } from '../errors.ts';
import { type Finding, levelOf, type Severity, worst } from '../health/finding.ts';
import type { Health } from '../health/health.ts';
import { parseWord } from '../parse.ts';
import { datedName, outputFile } from '../paths.ts';
import { givenOf, outOf, subjectOption } from '../resolve.ts';
import { type Column, printFields, printTable } from '../table.ts';
import { count } from '../text.ts';
import { version } from '../version.ts';

const heading = 'Operation';
const FORMATS = ['json', 'nagios', 'prometheus'] as const;
/** What a plugin of Nagios ends with when it could not find out. */
const NAGIOS_UNKNOWN = 3;

export function registerHealth(program: Command, context: CliContext): void {
  verb<{ deep?: boolean }>(
    program,
    context,
    {
      usage: 'doctor',
      summary:
        'Look at the machine, the directory, the keys, the ports, the clock, the groups and the peers.',
      heading,
      example: 'lb doctor\nlb doctor --deep',
      details:
        'Says what to do about each thing that is not in order, and changes nothing. Ends with 7 when something is critical; a warning alone ends with 0.',
    },
    (command) => command.option('--deep', 'audit every group as well: every signature, rule, sum and index'),
    doctor,
  );
  verb<{ out?: string }>(
    program,
    context,
    {
      usage: 'support-bundle',
      summary: 'Collect what somebody who helps needs to see in one file, without any secret.',
      heading,
      example: 'lb support-bundle support.tar\nlb support-bundle --out ./bundles',
      details:
        'Versions, health, heads, settings, the list of files, the end of the logs. Passwords, keys, join codes and tokens are taken out; what members wrote is not in it, but names of groups are. Look into it before you send it: tar -xf support.tar.',
    },
    (command) => subjectOption(command, 'out', 'the new file, or a folder to put a dated file into', 'path'),
    supportBundle,
  );
  verb<CheckOptions>(
    program,
    context,
    {
      usage: 'check',
      summary: 'Look at the same for a monitoring system.',
      heading,
      example: 'lb check --format nagios\nlb check --format prometheus',
      details:
        'nagios: one line, and the exit codes of its plugins (0 in order, 1 warning, 2 critical, 3 unknown). prometheus: the text format, for the textfile collector; always 0. json: the findings; 7 when something is critical. A warning that is meant, such as a file system over a network, is accepted by the name of its check, and no longer alarms; something critical always does.',
    },
    (command) =>
      command
        .option('--format <format>', FORMATS.join(', '), 'json')
        .option('--accept <check...>', 'checks whose warnings are meant'),
    check,
  );
}

interface CheckOptions {
  readonly format: string;
  readonly accept?: readonly string[];
}

const COLUMNS: readonly Column<Finding>[] = [
  { header: 'state', value: ({ severity }) => severity },
  { header: 'check', value: ({ check }) => check },
  { header: 'found', value: ({ message }) => message, isText: true },
  { header: 'to do', value: ({ advice }) => advice ?? '', isText: true },
];

async function doctor(run: Run<{ deep?: boolean }>): Promise<void> {
  const { lookAtHealth } = await import('../health/health.ts');
  const line = run.progress('looking at group');
  const { findings, groups } = await lookAtHealth(run, run.options.deep === true, line.update).finally(
    line.end,
  );
  const status = worst(findings);
  run.print({ status, findings, groups }, () => printTable(run.out, COLUMNS, findings));
  failIfCritical(findings);
  const of = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  const [warnings, notices] = [of('warning'), of('notice')];
  const state =
    warnings === 0 ? 'everything is in order' : `${count(warnings, 'warning')}; nothing is critical`;
  run.hint(notices === 0 ? state : `${state}; ${count(notices, 'notice')}`);
}

function failIfCritical(findings: readonly Finding[]): void {
  const critical = findings.filter(({ severity }) => severity === 'critical');
  if (critical.length > 0)
    throw new VerdictError(
      'unhealthy',
      `${count(critical.length, 'thing')} ${critical.length === 1 ? 'is' : 'are'} critical: ${critical.map((one) => one.check).join(', ')}`,
    );
}

/** The node's health, with the warnings that are meant as notices. */
async function healthForMonitors(run: Run<CheckOptions>): Promise<Health> {
  const { lookAtHealth } = await import('../health/health.ts');
  const health = await lookAtHealth(run, false);
  const accepted = new Set(run.options.accept ?? []);
  const findings = health.findings.map((one): Finding => {
    const isMeant = one.severity === 'warning' && accepted.has(one.check);
    return isMeant ? { ...one, severity: 'notice' } : one;
  });
  return { ...health, findings };
}

async function check(run: Run<CheckOptions>): Promise<void> {
  const format = parseWord(run.options.format, '--format', FORMATS);
  if (format === 'nagios') return checkForNagios(run);
  const health = await healthForMonitors(run);
  const { findings, groups, diskFree } = health;
  if (format === 'prometheus') {
    const { prometheusText } = await import('../health/monitors.ts');
    run.out.write(prometheusText(health, Date.now()));
    return;
  }
  const { envelope } = await import('../json.ts');
  run.out.line(envelope({ status: worst(findings), findings, groups, diskFree }));
  failIfCritical(findings);
}

async function checkForNagios(run: Run<CheckOptions>): Promise<void> {
  try {
    const { nagiosLine } = await import('../health/monitors.ts');
    const health = await healthForMonitors(run);
    run.out.line(nagiosLine(health));
    throw new VerbExit(levelOf(worst(health.findings)));
  } catch (error) {
    if (error instanceof VerbExit) throw error;
    run.out.line(`BATTERY NODE UNKNOWN - ${error instanceof Error ? error.message : error}`);
    throw new VerbExit(NAGIOS_UNKNOWN);
  }
}

async function supportBundle(run: Run<{ out?: string }>): Promise<void> {
  const out = outOf(givenOf(run, ['out']).out);
  const { gatherSupport, writeBundle } = await import('../support/bundle.ts');
  const file = outputFile(run.path(out), () => `${datedName(Date.now())}-support.tar`);
  const files = await gatherSupport(run, version());
  await writeBundle(file, files);
  const names = files.map(({ name }) => name);
  run.print({ file, files: names }, () => {
    run.out.line(run.out.style('green', `Wrote ${file}`));
    printFields(run.out, [['with', names.join(', ')]], '  ');
  });
}
