/** One story that goes through every operation, told by two agents: `ann`, who founds the group, and `bob`. */

type Saved = (name: string) => string;
type Input = Record<string, unknown>;

export interface Step {
  readonly as: 'ann' | 'bob';
  readonly tool: string;
  readonly input?: (saved: Saved) => Input;
  /** Fields of the result that later steps use: their name here, and the path in the result. */
  readonly save?: Readonly<Record<string, string>>;
  /** The refusal, where the situation that the tool is for would take days or a cheat. */
  readonly fails?: string;
  /** The error where this kind of node has not what the tool needs. */
  readonly mayFail?: RegExp;
}

const ann = (tool: string, input?: Step['input'], more: Partial<Step> = {}): Step => ({
  as: 'ann',
  tool,
  ...(input && { input }),
  ...more,
});
const bob = (tool: string, input?: Step['input'], more: Partial<Step> = {}): Step => ({
  ...ann(tool, input, more),
  as: 'bob',
});
const inGroup =
  (more: (saved: Saved) => Input = () => ({})): Step['input'] =>
  (saved) => ({ group_id: saved('group'), ...more(saved) });
const STRANGER = 'ab'.repeat(32);

const GROUPS: readonly Step[] = [
  ann('node_info'),
  ann('node_health'),
  ann('network_status'),
  ann('list_outbox'),
  ann('sync_now', undefined, { mayFail: /network_stopped/ }),
  ann('create_group', () => ({ name: 'story', policy: { dispute_window_ms: 60_000 } }), {
    save: { group: 'group_id' },
  }),
  ann('list_groups'),
  ann('create_invite', inGroup(), { save: { code: 'code' } }),
  bob('join_group', (saved) => ({ code: saved('code') })),
  ann('create_invite', inGroup(), { save: { invite: 'invite_id' } }),
  ann(
    'revoke_invite',
    inGroup((saved) => ({ invite_id: saved('invite') })),
  ),
  ann(
    'add_member',
    inGroup(() => ({ member: STRANGER, role: 'viewer' })),
  ),
  ann(
    'remove_member',
    inGroup(() => ({ member: STRANGER })),
  ),
  bob(
    'set_profile',
    inGroup(() => ({ name: 'Bob the builder' })),
  ),
  ann(
    'update_policy',
    inGroup(() => ({ changes: { claim_reward_amount: 5, max_total_supply: null } })),
  ),
  ann(
    'propose_sealer',
    inGroup(() => ({ member: 'bob' })),
    { fails: 'sealer_not_admin' },
  ),
  bob('accept_sealing', inGroup(), { fails: 'role_insufficient' }),
  ann('correct_time', inGroup(), { fails: 'time_not_ahead' }),
  // Without a network, or without a peer that has the group.
  ann('repair_group', inGroup(), { mayFail: /network_stopped|peer_unreachable/ }),
  ann('group_info', inGroup()),
  bob('list_members', inGroup()),
];

const KNOWLEDGE: readonly Step[] = [
  ann(
    'publish_claim',
    inGroup(() => ({ text: 'Water boils at 100 °C.', tags: ['physics'] })),
    {
      save: { claim: 'claim_id', tx: 'tx_id' },
    },
  ),
  bob(
    'publish_claim',
    inGroup((saved) => ({ text: 'At sea level.', parent_hash: saved('claim'), evidence: [saved('claim')] })),
    { save: { reply: 'claim_id' } },
  ),
  bob('get_recent_claims', () => ({ since_ms: 0, limit: 5 }), { save: { cursor: 'cursor' } }),
  ann(
    'publish_claim',
    inGroup(() => ({ text: 'And on a mountain?' })),
  ),
  bob('watch_claims', (saved) => ({ cursor: saved('cursor'), timeout_ms: 1_000 })),
  bob(
    'compile_context',
    inGroup(() => ({ query: 'when does water boil?', top_k: 3 })),
  ),
  bob('list_claims', inGroup()),
  bob(
    'get_claim',
    inGroup((saved) => ({ claim_id: saved('claim') })),
  ),
  bob(
    'get_thread',
    inGroup((saved) => ({ claim_id: saved('reply') })),
  ),
  bob(
    'retract_claim',
    inGroup((saved) => ({ claim_id: saved('reply'), reason: 'to be checked' })),
  ),
  bob(
    'why_claim',
    inGroup((saved) => ({ claim_id: saved('reply') })),
  ),
  bob(
    'reinstate_claim',
    inGroup((saved) => ({ claim_id: saved('reply') })),
  ),
  bob(
    'record_experience',
    inGroup(() => ({ text: 'I heated water.' })),
    { save: { run: 'artifact' } },
  ),
  bob(
    'get_artifact',
    inGroup((saved) => ({ artifact: saved('run') })),
  ),
];

const TASKS: readonly Step[] = [
  ann(
    'create_task',
    inGroup(() => ({ task_id: 'task-one', title: 'Heat water', reward: 5 })),
  ),
  ann(
    'assign_task',
    inGroup(() => ({ task_id: 'task-one', assignee: 'bob' })),
  ),
  bob(
    'start_task',
    inGroup(() => ({ task_id: 'task-one', attempt: 1 })),
  ),
  bob(
    'report_progress',
    inGroup(() => ({ task_id: 'task-one', note: 'it is warm' })),
  ),
  bob(
    'complete_task',
    inGroup(() => ({ task_id: 'task-one', result_text: 'It boiled.' })),
  ),
  ann(
    'get_task',
    inGroup(() => ({ task_id: 'task-one' })),
  ),
  ann(
    'create_task',
    inGroup(() => ({ task_id: 'task-two', title: 'Heat oil', tags: ['oil'] })),
  ),
  bob(
    'start_task',
    inGroup(() => ({ task_id: 'task-two' })),
  ),
  bob(
    'release_task',
    inGroup(() => ({ task_id: 'task-two' })),
  ),
  bob(
    'next_task',
    inGroup(() => ({ tags: ['oil'] })),
  ),
  bob(
    'fail_task',
    inGroup(() => ({ task_id: 'task-two', error: 'no oil' })),
  ),
  ann(
    'create_task',
    inGroup(() => ({ task_id: 'task-three', title: 'Heat sand' })),
  ),
  ann(
    'cancel_task',
    inGroup(() => ({ task_id: 'task-three', reason: 'why would we' })),
  ),
  ann(
    'delegate_task',
    inGroup(() => ({ title: 'Heat milk', timeout_ms: 0 })),
    {
      save: { delegated: 'task.task_id' },
    },
  ),
  ann(
    'wait_for_task',
    inGroup((saved) => ({ task_id: saved('delegated'), timeout_ms: 0 })),
  ),
  bob(
    'list_tasks',
    inGroup(() => ({ status: 'open', limit: 1 })),
  ),
  bob(
    'update_presence',
    inGroup(() => ({ status: 'busy', metadata: { at: 'the stove' } })),
  ),
  ann('get_presence', inGroup()),
];

const offer = (tool: string, name: string): Step =>
  bob(
    tool,
    inGroup(() => ({ title: `Guide ${name}`, content: `How ${name} works.`, price: '20' })),
    {
      save: { [name]: 'offer_id' },
    },
  );
const purchase = (name: string): Step['input'] => inGroup((saved) => ({ purchase_id: saved(name) }));

const offered = (name: string): Step['input'] => inGroup((saved) => ({ offer_id: saved(name) }));

const MARKET: readonly Step[] = [
  ann(
    'mint',
    inGroup(() => ({ to: 'ann', amount: 500 })),
  ),
  ann(
    'transfer',
    inGroup(() => ({ to: 'bob', amount: '10' })),
  ),
  ann(
    'spend_treasury',
    inGroup(() => ({ to: 'bob', amount: 1 })),
    { fails: 'treasury_too_low' },
  ),
  bob('get_balance', inGroup()),
  offer('create_offer_by_hand', 'one'),
  offer('create_offer_by_hand', 'two'),
  offer('create_offer', 'three'),
  ann('list_offers', inGroup()),
  ann('purchase_offer_by_hand', offered('one'), { save: { 'buy-1': 'purchase_id' } }),
  ann('refund_purchase', purchase('buy-1'), { fails: 'grant_window_open' }),
  bob('grant_purchase', purchase('buy-1')),
  ann('open_purchase', purchase('buy-1')),
  ann('dispute_purchase', purchase('buy-1'), { fails: 'dispute_unfounded' }),
  bob('settle_purchase', purchase('buy-1'), { fails: 'dispute_window_open' }),
  ann('accept_purchase', purchase('buy-1')),
  ann('list_purchases', inGroup()),
  bob('announce_offer', offered('two'), { mayFail: /usage/ }),
  ann('announce_offer', offered('two'), { fails: 'not_seller' }),
  ann('list_announcements'),
  ann('pull_announcements', undefined, { mayFail: /network_stopped/ }),
  ann('purchase_offer', offered('three')),
  ann('buy_offer', offered('three')),
  ann('list_orders'),
  bob(
    'revoke_offer',
    inGroup((saved) => ({ offer_id: saved('two') })),
  ),
];

const AUDIT: readonly Step[] = [
  ann(
    'list_events',
    inGroup(() => ({ limit: 3 })),
  ),
  ann(
    'get_block',
    inGroup(() => ({ height: 0 })),
  ),
  ann(
    'get_transaction',
    inGroup((saved) => ({ tx_id: saved('tx') })),
  ),
  ann('replay_group', inGroup()),
  ann('audit_group', inGroup()),
  ann(
    'prove_transaction',
    inGroup((saved) => ({ tx_id: saved('tx') })),
    { save: { proof: 'proof' } },
  ),
  bob('verify_proof', (saved) => ({ proof: saved('proof') })),
];

export const STORY: readonly Step[] = [...GROUPS, ...KNOWLEDGE, ...TASKS, ...MARKET, ...AUDIT];

/** What only a bearer with the scope `admin` can do. */
export const ADMIN_STORY: readonly Step[] = [
  ann('create_identity', () => ({ name: 'dora' })),
  ann('list_identities'),
  ann('trust_clock'),
];

/** A value at `path` of a result, as text. */
export function valueAt(result: unknown, path: string): string {
  const value = path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], result);
  if (typeof value !== 'string') throw new Error(`there is no text at ${path} of ${JSON.stringify(result)}`);
  return value;
}
