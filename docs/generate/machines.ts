/** State machines as tables and as diagrams. */
import type { AnyStateMachine } from 'xstate';
import { table } from './table.ts';

interface Move {
  readonly from: string;
  readonly event: string;
  readonly to: string;
  readonly guard: string | undefined;
}

function guardName(guard: unknown): string | undefined {
  if (guard === undefined) return undefined;
  return typeof guard === 'string' ? guard : String((guard as { type?: unknown }).type);
}

/** XState calls a delay `xstate.after.<delay>.<state>`. */
function eventName(event: string): string {
  return event.startsWith('xstate.after.') ? `after ${event.split('.')[2]}` : event;
}

function moves(machine: AnyStateMachine): Move[] {
  const found: Move[] = [];
  for (const [from, state] of Object.entries(machine.states)) {
    for (const [event, transitions] of [...Object.entries(state.on), ...Object.entries(machine.root.on)]) {
      if (state.type === 'final') continue;
      for (const { target, guard } of transitions as readonly {
        target?: { key: string }[];
        guard?: unknown;
      }[])
        found.push({ from, event: eventName(event), to: target?.[0]?.key ?? from, guard: guardName(guard) });
    }
  }
  return found;
}

/** Rows are states, columns are events, cells are the next state. */
export function transitionTable(machine: AnyStateMachine): string {
  const all = moves(machine);
  const events = [...new Set(all.map(({ event }) => event))];
  const rows = Object.keys(machine.states).map((from) => [
    `\`${from}\``,
    ...events.map((event) => {
      const move = all.find((one) => one.from === from && one.event === event);
      return move === undefined ? '–' : `\`${move.to}\``;
    }),
  ]);
  return table(['state', ...events.map((event) => `\`${event}\``)], rows);
}

/** A Mermaid state diagram. */
export function machineDiagram(machine: AnyStateMachine): string {
  const finals = Object.entries(machine.states).filter(([, state]) => state.type === 'final');
  const lines = [
    `    [*] --> ${String(machine.config.initial)}`,
    ...moves(machine).map(({ from, event, to, guard }) => {
      const label = guard === undefined ? event : `${event} [${guard}]`;
      return `    ${from} --> ${to}: ${label}`;
    }),
    ...finals.map(([name]) => `    ${name} --> [*]`),
  ];
  return ['```mermaid', 'stateDiagram-v2', ...lines, '```'].join('\n');
}
