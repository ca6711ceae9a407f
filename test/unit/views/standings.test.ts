/** How far views are: what gauges show, and when somebody is told. */
import { expect, test } from 'vitest';
import type { ViewsNotice } from '../../../views/protocol.ts';
import { Standings } from '../../../views/standings.ts';

const groupId = 'ab'.repeat(32);

function watched() {
  const notices: ViewsNotice[] = [];
  const clock = { nowMs: 0 };
  const standings = new Standings(
    (notice) => notices.push(notice),
    () => clock.nowMs,
  );
  const step = (nowMs: number, height: number, headHeight = 100): void => {
    clock.nowMs = nowMs;
    standings.stepped({ groupId, height, headHeight, toEmbed: 3 });
  };
  return { notices, standings, step };
}

test('a long way is told of now and then, and its end; a short one is not', () => {
  const { notices, step } = watched();
  step(0, 10);
  step(4_999, 20);
  step(5_000, 30);
  step(6_000, 40);
  step(10_000, 50);
  step(11_000, 100);
  step(12_000, 100);
  expect(notices.map((one) => one.kind === 'views.progress' && one.height)).toEqual([30, 50, 100]);
  step(20_000, 100, 101);
  step(21_000, 101, 101);
  expect(notices).toHaveLength(3);
});

test('the lag is against the highest head that anybody has told of', () => {
  const { standings, step } = watched();
  expect([...standings.lag()]).toEqual([]);
  standings.grew(groupId, 7);
  expect([...standings.lag()]).toEqual([]);
  step(0, 90);
  expect([...standings.lag()]).toEqual([{ groupId, blocks: 10, claims: 3 }]);
  standings.grew(groupId, 105);
  step(1, 100);
  expect([...standings.lag()]).toEqual([{ groupId, blocks: 5, claims: 3 }]);
});
