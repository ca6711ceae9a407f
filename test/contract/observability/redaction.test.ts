/**
 * No secret reaches a log. A node works at level `trace` through everything that has to do with secrets, and what
 * it should not log is logged on purpose as well; then the files are searched for every secret that was ever used.
 */
import { inspect } from 'node:util';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../../crypto/secret.ts';
import { loadConfig } from '../../../interfaces/config/load.ts';
import { startObservability } from '../../../interfaces/observability/observe.ts';
import { BatteryNode } from '../../../node.ts';
import { readLogs, temporaryFolder, watchedNode } from './support.ts';

const PASSWORD = 'correct horse battery staple';
const WRONG_PASSWORD = 'incorrect donkey battery staple';

/** The bytes of every secret that is used from here on. */
function rememberSecrets(): Map<string, Uint8Array> {
  const seen = new Map<string, Uint8Array>();
  const { expose } = Secret.prototype;
  Secret.prototype.expose = function (this: Secret) {
    const bytes = expose.call(this);
    seen.set(Buffer.from(bytes).toString('hex'), bytes.slice());
    return bytes;
  };
  onTestFinished(() => {
    Secret.prototype.expose = expose;
  });
  return seen;
}

/** Every way in which bytes might stand in a text. */
function spellings(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const base64 = buffer.toString('base64');
  const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
  return [
    buffer.toString('hex'),
    buffer.toString('hex').toUpperCase(),
    // The last characters depend on what follows.
    base64.slice(0, Math.floor((bytes.length * 8) / 6)),
    buffer.toString('base64url').slice(0, Math.floor((bytes.length * 8) / 6)),
    buffer.toString('utf8'),
    buffer.toString('latin1'),
    escaped(buffer.toString('utf8')),
    escaped(buffer.toString('latin1')),
    [...bytes].join(','),
    [...bytes].join(', '),
  ];
}

function leaksIn(text: string, secrets: Iterable<Uint8Array>): string[] {
  return [...secrets].flatMap((secret) => spellings(secret).filter((spelling) => text.includes(spelling)));
}

/** A life with secrets: keys under a password, an invite, a sale, refusals. What could leak comes back. */
async function liveWithSecrets(node: BatteryNode) {
  const group = await node.createGroup({ name: 'secrets' });
  const seller = group.as('node');
  const { publicKey } = await node.createIdentity('buyer');
  const buyer = group.as('buyer');
  const invite = await seller.createInvite({ role: 'member', expiresMs: Date.now() + 3_600_000 });
  await buyer.acceptInvite(invite.code);
  await buyer.acceptInvite(invite.code).catch(() => {});
  await seller.mint(publicKey, 500n);
  const content = new TextEncoder().encode('what only the buyer may read, for 250 tokens');
  const { offer } = await seller.createOffer({ title: 'A package', content, price: 250n });
  const { purchase } = await buyer.purchase(offer);
  const grant = await seller.grant(purchase);
  const delivery = buyer.openPurchase(purchase);
  await buyer.acceptPurchase(purchase);
  await buyer.submit([{ type: 'mint', to: publicKey, amount: 1n }]);
  return { invite, content, grant, delivery, seller, buyer, group };
}

test.each(['true', 'false'])('no secret reaches the log files (json: %s)', async (log_json) => {
  const seen = rememberSecrets();
  const data = temporaryFolder();
  const log_dir = temporaryFolder();
  await BatteryNode.init({ data, password: PASSWORD });
  const wrong = await BatteryNode.open({ data, password: WRONG_PASSWORD }).catch((error: unknown) => error);
  const { node, observability, attached, close } = await watchedNode(
    { log_level: 'trace', log_json, log_dir, tracing: 'true' },
    { password: PASSWORD },
    data,
  );
  const { logger } = observability;
  const life = await liveWithSecrets(node);
  const { invite, content } = life;

  logger.error(wrong, 'could not open');
  logger.error({ err: wrong, password: PASSWORD, newPassword: WRONG_PASSWORD });
  logger.info({ node, group: life.group, seller: life.seller, delivery: life.delivery }, 'objects');
  logger.info({ invite: { ...invite }, inviteSecret: invite.code }, `joined with ${invite.code}`);
  logger.info('%s %o %j', invite.code, { password: PASSWORD }, { content });
  logger.child({ passphrase: PASSWORD, seed: content, nested: { privateKey: content } }).warn('a child');
  logger.info(inspect(new Secret(content)));
  logger.info({
    secrets: [new Secret(content)],
    bytes: Buffer.from(content),
    view: new DataView(content.buffer),
  });
  logger.info(
    Object.assign(new Error(`code ${invite.code}`, { cause: { password: PASSWORD } }), { content }),
  );
  await attached.health();
  const metrics = await observability.metrics!.text();
  await close();

  const log = readLogs(log_dir);
  expect(log).toContain('tx.refused');
  expect(log).toContain('offer.created');
  expect(log).toContain('purchase.changed');
  // Seeds, keys for X25519, package keys, one-time keys, the key of the password, the seed of the invite.
  expect(seen.size).toBeGreaterThan(8);
  const words = [PASSWORD, WRONG_PASSWORD].map((text) => new TextEncoder().encode(text));
  const secrets = [...seen.values(), ...words, content, new TextEncoder().encode(invite.code)];
  expect(leaksIn(log, secrets)).toEqual([]);
  expect(leaksIn(metrics, secrets)).toEqual([]);
});

test('the search would find them', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 256);
  let text = '';
  const naked = pino({ base: null }, { write: (line: string) => (text += line) });
  const found = (fields: object): number => {
    text = '';
    naked.info(fields);
    return leaksIn(text, [secret]).length;
  };
  const buffer = Buffer.from(secret);
  for (const encoding of ['hex', 'base64', 'base64url', 'utf8', 'latin1'] as const)
    expect(found({ value: buffer.toString(encoding) }), encoding).toBeGreaterThan(0);
  expect(found({ value: [...secret] })).toBeGreaterThan(0);
  expect(found({ value: 'nothing' })).toBe(0);
});

test('what is harmless is logged as it is', async () => {
  const log_dir = temporaryFolder();
  const config = loadConfig({ data: log_dir, env: {}, flags: { log_dir, log_json: 'true' } });
  const { logger, close } = await startObservability(config);
  const facts = {
    groupId: 'ab'.repeat(32),
    publicKey: 'cd'.repeat(32),
    amount: 5n,
    tags: ['a'],
    keysEncrypted: true,
  };
  logger.info(facts, 'facts');
  logger.child({ part: 'sync' }).warn(new RangeError('too far'));
  await close();
  const [first, second] = readLogs(log_dir)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(first).toMatchObject({ ...facts, amount: '5', level: 'info', msg: 'facts' });
  expect(second).toMatchObject({
    part: 'sync',
    msg: 'too far',
    err: { type: 'RangeError', message: 'too far' },
  });
});
