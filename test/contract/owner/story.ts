/**
 * One story that goes through every verb, to be told twice: by processes that open the directory themselves, and
 * through the socket of a node that is up. Each step may use what earlier steps printed.
 */

/** What the steps before have printed, by the name of the step. */
export type Told = (step: string, field: string) => string;

export interface Step {
  /** Under which later steps find the output. */
  readonly name?: string;
  readonly args: (told: Told) => readonly string[];
  readonly input?: string;
  /** 0, if not given. */
  readonly exit?: number;
  /** Refused until its time has come: asked again until it is not. */
  readonly inTime?: boolean;
}

const step = (...args: string[]): Step => ({ args: () => args });
const named = (name: string, ...args: string[]): Step => ({ name, args: () => args });
const using = (args: (told: Told) => readonly string[], exit = 0): Step => ({ args, exit });
const saving = (name: string, args: (told: Told) => readonly string[]): Step => ({ name, args });
const inTime = (args: (told: Told) => readonly string[]): Step => ({ args, inTime: true });
const failing = (exit: number, ...args: string[]): Step => ({ args: () => args, exit });
const task = (id: string, ...more: string[]): Step =>
  step('create-task', '--id', id, '--title', `Do ${id}`, ...more);

const START: readonly Step[] = [
  step('info'),
  step('config', 'set', 'log_level', 'warn'),
  failing(2, 'config', 'set', 'log_level', 'loud'),
  step('config', 'get', 'log_level'),
  step('config', 'list'),
  step('config', 'unset', 'log_level'),
  named('bob', 'identity', 'new', 'bob'),
  step('identity', 'new', 'carol'),
  step('identity', 'list'),
  step('identity', 'show', 'bob'),
  step('identity', 'rename', 'carol', 'caro'),
  step('identity', 'rename', 'caro', 'carol'),
  step('identity'),
  failing(4, 'identity', 'new', 'bob'),
  step('access', 'create', 'dashboard'),
  step('access', 'create', 'worker', '--write-as', 'bob', '--expires', '30d'),
  failing(2, 'access', 'create', 'worker'),
  failing(3, 'access', 'create', 'other', '--write-as', 'nobody'),
  step('access', 'list'),
  step('access', 'revoke', 'dashboard'),
  failing(3, 'access', 'revoke', 'dashboard'),
  failing(3, 'balance'),
  named(
    'group',
    'create-group',
    '--name',
    'story',
    '--policy',
    'dispute_window_ms=1s',
    '--policy',
    'transfer_fee_bps=100',
  ),
  step('list-groups'),
  step('group-info'),
  step('policy'),
  step('policy', '--set', 'claim_reward_amount=5'),
  failing(2, 'policy', '--set', 'no_such_key=5'),
  using((told) => ['add-member', '--pub', told('bob', 'identity.public_key'), '--role', 'member']),
  saving('invite', () => ['invite', 'create', '--role', 'member']),
  step('invite', 'list'),
  using((told) => ['join', told('invite', 'code'), '--as', 'carol']),
  saving('second', () => ['invite', 'create']),
  using((told) => ['invite', 'revoke', told('second', 'invite')]),
  step('members'),
  step('profile', 'The node', '--as', 'node'),
  step('sealer'),
];

const KNOWLEDGE: readonly Step[] = [
  named('claim', 'publish-claim', '--text', 'Water boils at 100 °C.', '--tags', 'physics,water'),
  { name: 'piped', args: () => ['publish-claim', '-', '--as', 'bob'], input: 'From standard input.\n' },
  saving('reply', (told) => [
    'publish-claim',
    '--text',
    'At sea level.',
    '--parent',
    told('claim', 'claim'),
    '--as',
    'bob',
  ]),
  using((told) => ['thread', told('reply', 'claim')]),
  using((told) => ['retract-claim', told('reply', 'claim'), '--reason', 'checking', '--as', 'bob']),
  using((told) => ['reinstate-claim', told('reply', 'claim'), '--as', 'bob']),
  using((told) => ['retract-claim', told('claim', 'claim'), '--as', 'bob'], 4),
  failing(3, 'retract-claim', 'ffffffffffff'),
  step('compile-context', 'boiling water', '--top-k', '3'),
  failing(2, 'compile-context', 'water', '--rank-by', 'luck'),
  using((told) => ['why', told('reply', 'claim')]),
  failing(3, 'why', 'ffffffffffff'),
  step('whats-new', '--limit', '2'),
  failing(2, 'whats-new', '--after', 'nonsense'),
  step('unread', '--of', 'carol', '--read-up-to', 'head'),
  step('unread', '--of', 'carol'),
  step('sql', 'select count(*) as claims from claims'),
  failing(2, 'sql', 'delete from claims'),
  step('recent-claims'),
  step('import', 'docs'),
  step('import', 'docs'),
  failing(3, 'import', 'nowhere'),
];

const TASKS: readonly Step[] = [
  task('t-1', '--reward', '7'),
  task('t-2'),
  task('t-3', '--lease', '1h'),
  task('t-4'),
  step('take-task', 't-1', '--as', 'bob'),
  failing(4, 'take-task', 't-1', '--as', 'carol'),
  step('assign-task', 't-2', '--assignee', 'carol'),
  step('start-task', 't-1', '--as', 'bob'),
  failing(4, 'start-task', 't-1', '--attempt', '9', '--as', 'bob'),
  step('progress-task', 't-1', '--note', 'half way', '--as', 'bob'),
  step('complete-task', 't-1', '--as', 'bob'),
  step('start-task', 't-2', '--as', 'carol'),
  step('fail-task', 't-2', '--error', 'no tools', '--as', 'carol'),
  step('take-task', 't-3', '--as', 'bob'),
  step('release-task', 't-3', '--as', 'bob'),
  step('cancel-task', 't-4'),
  step('list-tasks'),
  step('show-task', 't-1'),
  step('presence', '--status', 'busy', '--as', 'bob'),
  step('presence'),
];

const offer = (name: string, content: string): Step => ({
  ...named(
    name,
    'create-offer',
    '-',
    '--title',
    `Guide ${name}`,
    '--price',
    '20',
    '--by-hand',
    '--as',
    'bob',
  ),
  input: content,
});

const MARKET: readonly Step[] = [
  step('mint', '--to', 'carol', '--amount', '500'),
  step('transfer', '--to', 'bob', '--amount', '200', '--as', 'carol'),
  failing(4, 'transfer', '--to', 'bob', '--amount', '9999', '--as', 'carol'),
  step('treasury-spend', '--to', 'node', '--amount', '1'),
  step('treasury'),
  step('treasury', '--limit', '1', '--at', '5'),
  failing(2, 'treasury', '--limit', '0'),
  step('balance'),
  step('balance', 'bob'),
  offer('one', 'The content of one.'),
  offer('two', 'The content of two.'),
  offer('three', 'The content of three.'),
  step('list-offers'),
  saving('buy-1', (told) => ['buy-offer', told('one', 'offer'), '--by-hand', '--as', 'carol']),
  using((told) => ['dispute-purchase', told('buy-1', 'purchase'), '--as', 'carol'], 4),
  using((told) => ['grant', told('buy-1', 'purchase'), '--as', 'bob']),
  using((told) => ['open-purchase', told('buy-1', 'purchase'), '--out', 'opened.txt', '--as', 'carol']),
  using((told) => ['accept-purchase', told('buy-1', 'purchase'), '--print', '--as', 'carol']),
  saving('buy-2', (told) => ['buy-offer', told('two', 'offer'), '--by-hand', '--as', 'carol']),
  using((told) => ['grant', told('buy-2', 'purchase'), '--as', 'bob']),
  inTime((told) => ['settle-purchase', told('buy-2', 'purchase')]),
  step('policy', '--set', 'grant_window_ms=1s'),
  saving('buy-3', (told) => ['buy-offer', told('three', 'offer'), '--by-hand', '--as', 'carol']),
  inTime((told) => ['refund-purchase', told('buy-3', 'purchase'), '--as', 'carol']),
  using((told) => ['revoke-offer', told('three', 'offer'), '--as', 'bob']),
  step('purchases'),
  saving('four', () => [
    'create-offer',
    '--title',
    'Guide four',
    '--text',
    'Of four.',
    '--price',
    '20',
    '--as',
    'bob',
  ]),
  using((told) => ['buy-offer', told('four', 'offer'), '--price', '19', '--as', 'carol'], 4),
  saving('buy-4', (told) => ['buy-offer', told('four', 'offer'), '--print', '--as', 'carol']),
  using((told) => ['buy-offer', told('four', 'offer'), '--out', 'four.txt', '--as', 'carol']),
  using((told) => ['open-purchase', told('buy-4', 'purchase'), '--as', 'carol']),
  step('orders'),
  step('economy'),
  step('market-pull'),
  step('market-gossip'),
];

const OPERATION: readonly Step[] = [
  step(
    'submit',
    '--text',
    '[{"type":"presence","status":"idle"},{"type":"profile_set","name":"The old node"}]',
  ),
  failing(2, 'submit', '--text', '[{"type":"presence","state":"idle"}]'),
  step('call'),
  step('call', 'list_tasks', '{"status":"completed"}'),
  { args: () => ['call', 'list_tasks', '-', '--as', 'bob'], input: '{"limit":1}' },
  failing(2, 'call', 'list_tasks', '{"statu":"open"}'),
  failing(3, 'call', 'list_taks'),
  failing(4, 'call', 'mint', '{"to":"bob","amount":1}', '--as', 'bob'),
  saving('run', () => ['record-experience', '--text', 'What the agent did.']),
  using((told) => ['artifact', told('run', 'artifact')]),
  failing(4, 'upgrade-rules', '2'),
  step('reload'),
  failing(2, 'repair'),
  step('admit', 'worker'),
  step('completion-values', 'group'),
  step('prove-consistency', '--since', '3', '--out', 'since-3.proof'),
  failing(4, 'verify-consistency', 'since-3.proof'),
  saving('log', () => ['log', '--limit', '5']),
  using((told) => ['watch', '--after', told('log', 'events.0.cursor'), '--limit', '3']),
  failing(2, 'watch', '--after', 'nonsense'),
  step('state', 'list', 'supply'),
  step('state', 'get', 'policy'),
  failing(3, 'state', 'get', 'nothing'),
  step('backup', 'create', '--out', 'story.lbbackup'),
  step('backup', 'verify', 'story.lbbackup'),
  failing(4, 'backup', 'create', '--out', 'story.lbbackup'),
  step('support-bundle', '--out', 'support.tar'),
];

const PEER = `${'ab'.repeat(32)}@127.0.0.1:1`;

const NETWORK: readonly Step[] = [
  step('peer-add', PEER),
  step('peer-list'),
  failing(2, 'peer-add', 'nowhere'),
  step('peers'),
  step('discover-groups'),
  step('peer-add', PEER, '--alias', 'server-1'),
  step('peer-list'),
  failing(2, 'peer-add'),
  failing(2, 'peer-add', PEER, '--alias', ''),
  failing(6, 'peer-add', '--host', '127.0.0.1', '--port', '1'),
  failing(2, 'connect'),
  failing(2, 'backup', 'create'),
  failing(2, 'connect', '--host', '127.0.0.1'),
  failing(2, 'connect', '--host', '127.0.0.1', '--port', '99999'),
  failing(6, 'connect', PEER),
  failing(6, 'subscribe', 'cd'.repeat(32), '--peer', PEER),
  failing(2, 'subscribe', 'cdcd'),
  step('peer-remove', 'server-1'),
  failing(3, 'peer-remove', 'abababab'),
  failing(6, 'sync-now'),
  step('subscription-set', '--interval', '60s'),
  failing(2, 'subscription-set', '--pause', '--resume'),
  step('unsubscribe'),
  step('subscription-set', '--resume'),
  step('subscription-list'),
  step('outbox'),
  step('evidence'),
];

const GIT: readonly Step[] = [
  failing(3, 'git', 'status'),
  step('git', 'init'),
  step('git', 'init'),
  step('git', 'status'),
  step('git', 'join'),
  step('git', 'sync', '--commits', '--local'),
  step('git', 'hooks'),
  step('git', 'hooks', 'on', '--as', 'bob'),
  step('git', 'hooks', 'off'),
  failing(2, 'git', 'hooks', 'maybe'),
  failing(2, 'git', 'hook'),
];

const HISTORY: readonly Step[] = [
  step('log', '--limit', '5'),
  using((told) => ['show', told('claim', 'claim')]),
  failing(3, 'show', 'ffffffffffff'),
  step('replay'),
  step('audit'),
  step('export', '--out', 'story.lbx'),
  failing(4, 'export', '--out', 'story.lbx'),
  step('audit', 'story.lbx'),
  step('replay', 'story.lbx'),
  using((told) => ['prove', told('claim', 'tx_id'), '--out', 'story.proof']),
  step('verify-proof', 'story.proof'),
  step('balance', '--at', '3'),
  step('add-member', '--pub', 'bob', '--role', 'admin'),
  step('sealer', 'bob', '--yes-i-mean', 'bob'),
  step('remove-member', 'carol', '--yes-i-mean', 'carol'),
  step('identity', 'password', '--new-password-file', 'password.txt'),
  step('info'),
];

export const STORY: readonly Step[] = [
  ...START,
  ...KNOWLEDGE,
  ...TASKS,
  ...MARKET,
  ...OPERATION,
  ...NETWORK,
  ...GIT,
  ...HISTORY,
];
