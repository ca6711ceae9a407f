/** Operations that sign one thing and give back where it was sealed: most of what governs a group is that. */
import type Type from 'typebox';
import type { Agent } from '../../actors/agent.ts';
import type { Group } from '../../actors/group.ts';
import type { GroupView } from '../../actors/group-view.ts';
import type { Receipt } from '../../events/receipt.ts';
import { agentIn, given, groupId, groupOf, sealed } from './call.ts';
import { type Call, define, type Operation, type OperationEffect } from './operation.ts';
import { input, number, optional, output, text, type ValueOf } from './schema.ts';
import type { Toolset } from './toolset.ts';

const receiptShape = output({ tx_id: text(), height: number(), note: optional(text()) });

/** Who acts, where. */
interface Scene {
  readonly call: Call;
  readonly group: Group;
  readonly agent: Agent;
  /** The group as it is before the act. */
  readonly view: GroupView;
}

interface Act<P extends Type.TProperties> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Exclude<OperationEffect, 'reads'>;
  /** Beside `group_id`, which all have. */
  readonly properties: P;
  act(scene: Scene, input: ValueOf<Type.TObject<P>>): Promise<Receipt & Noted>;
}

/** What whoever asked should know of what was done. */
interface Noted {
  readonly note?: string;
}

/** Declares such an operation. */
export function act<P extends Type.TProperties>(toolset: Toolset, described: Act<P>): Operation {
  const { properties, act, ...rest } = described;
  return define({
    ...rest,
    toolset,
    input: input({ group_id: groupId, ...properties }),
    output: receiptShape,
    async run(call, asked) {
      const { group_id, ...fields } = asked as { group_id?: string };
      const group = groupOf(call, group_id);
      const scene = { call, group, agent: agentIn(call, group), view: group.now };
      const { note, ...receipt } = await act(scene, fields as ValueOf<Type.TObject<P>>);
      return { ...sealed(receipt), ...given({ note }) };
    },
  });
}
