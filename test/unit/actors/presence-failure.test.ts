/** A group whose presence cannot beat says so, and goes on beating when it can again. */
import { expect, test } from 'vitest';
import { Alarms } from '../../../actors/alarms.ts';
import { WatchedClock } from '../../../actors/clock.ts';
import { GroupPresence } from '../../../actors/presence/group-presence.ts';
import { BEAT_INTERVAL_MS } from '../../../actors/presence/presence.machine.ts';
import { encode } from '../../../events/codec.ts';
import { memberTable } from '../../../machines/tables.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { founder } from '../../support/people.ts';

test('a beat that fails is the failure of its group, not of the process, and the next one is sent', async () => {
  const time = new ManualTime();
  const clock = new WatchedClock(time);
  const reader = memoryGroup('a'.repeat(64));
  const member = encode(memberTable.codec, { role: 'member', joinedMs: 0, addedBy: founder.publicKey });
  await reader.commit({ state: [[memberTable.prefix + founder.publicKey, member]] });
  const sent: Uint8Array[] = [];
  const failures: string[] = [];
  const presence = new GroupPresence({
    reader,
    alarms: new Alarms(clock, time),
    clock,
    timers: time,
    tell: () => {},
    send: (beat) => sent.push(beat),
    failed: (error) => failures.push(error.message),
  });
  let isWiped = false;
  const stop = presence.keepBeating({
    publicKey: founder.publicKey,
    sign: (prefix, message) => {
      if (isWiped) throw new Error('the key is gone');
      return founder.sign(prefix, message);
    },
  });
  expect(sent).toHaveLength(1);
  isWiped = true;
  time.advance(BEAT_INTERVAL_MS);
  expect(failures).toEqual(['the key is gone']);
  isWiped = false;
  time.advance(BEAT_INTERVAL_MS);
  expect(sent).toHaveLength(2);
  stop();
  presence.close();
});
