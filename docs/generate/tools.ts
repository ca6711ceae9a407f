/** Operations as agents see them, by toolset. */
import { annotationsOf } from '../../interfaces/mcp/tools.ts';
import { operationsOf } from '../../interfaces/operations/registry.ts';
import { TOOLSETS, type Toolset } from '../../interfaces/operations/toolset.ts';
import { table } from './table.ts';

export function toolsTable(): string {
  return (Object.entries(TOOLSETS) as [Toolset, string][])
    .map(([toolset, meaning]): [string, string] => [`### ${toolset}: ${meaning}`, tableOf(toolset)])
    .filter(([, rows]) => rows !== '')
    .map((parts) => parts.join('\n\n'))
    .join('\n\n');
}

function tableOf(toolset: Toolset): string {
  const operations = operationsOf(new Set([toolset]));
  if (operations.length === 0) return '';
  const rows = operations.map((operation) => {
    const required = new Set(operation.input.required);
    const parameters = Object.keys(operation.input.properties).map((name) =>
      required.has(name) ? `**${name}**` : name,
    );
    const { readOnlyHint } = annotationsOf(operation);
    const kind = readOnlyHint ? 'reads' : operation.scope;
    return [`\`${operation.name}\``, parameters.join(', '), kind, operation.description];
  });
  return table(['operation', 'parameters', 'kind', 'what it does'], rows);
}
