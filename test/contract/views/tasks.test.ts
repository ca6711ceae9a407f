/** Tasks are searched like claims, on every surface; and names are one whatever their form. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operationNamed } from '../../../interfaces/operations/registry.ts';
import type { BatteryNode } from '../../../node.ts';
import { SUM_SUFFIX } from '../../../views/file-sum.ts';
import { Sqlite } from '../../../views/sqlite.ts';
import { lb } from '../../e2e/bin-lb.ts';
import { newDirectory, opened, viewFile } from '../../support/opened-views.ts';

interface Listed {
  readonly tasks: readonly { readonly task_id: string }[];
  readonly next_cursor?: string;
}

async function call<T>(node: BatteryNode, name: string, input: object): Promise<T> {
  const operation = operationNamed(name)!;
  expect(operation.take(input)).toEqual({ input });
  const signal = new AbortController().signal;
  const context = { node, identity: 'node', signal, progress: () => {} };
  return (await operation.run(context as never, input as never)) as T;
}

async function listed(node: BatteryNode, input: object): Promise<string[]> {
  const { tasks } = await call<Listed>(node, 'list_tasks', input);
  return tasks.map(({ task_id }) => task_id);
}

async function withBoard(data: string) {
  const { node, notices } = await opened(data);
  const group = await node.createGroup({ name: 'board' });
  const me = group.as('node');
  await me.createTask({
    task: 'ship-it',
    title: 'Ship the release',
    description: 'parseConfigFile breaks',
    tags: ['Rust'],
  });
  await me.createTask({ task: 'tidy', title: 'Tidy the Datenbankverbindung', tags: ['rust', 'café'] });
  await me.createTask({ task: 'boil', title: 'Heat water' });
  const start = async (task: string): Promise<void> => {
    await me.assignTask(task, me.publicKey);
    await me.startTask(task, 1);
  };
  await start('boil');
  await call(node, 'complete_task', { task_id: 'boil', result_text: 'The kettle boiled after all.' });
  await start('tidy');
  await me.failTask('tidy', 'the quorum was lost');
  return { node, notices, group, me };
}

test('tasks are found by id, title, description, tags, and what came of them', async () => {
  const data = newDirectory();
  const { node, group } = await withBoard(data);
  const find = async (query: string): Promise<string[]> =>
    (await node.views.searchTasks(group.groupId, { query })).tasks.map(({ task }) => task);
  expect(await find('ship')).toEqual(['ship-it']);
  expect(await find('releases')).toEqual(['ship-it']);
  expect(await find('config file')).toEqual(['ship-it']);
  expect(await find('datenbank')).toEqual(['tidy']);
  expect(await find('cafe')).toEqual(['tidy']);
  expect(await find('kettle')).toEqual(['boil']);
  expect(await find('quorum')).toEqual(['tidy']);
  expect((await find('rust')).toSorted()).toEqual(['ship-it', 'tidy']);
  expect(await find('nobody wrote that')).toEqual([]);

  // The operation is what MCP, HTTP and `lb call` are made of.
  expect(await listed(node, { query: 'kettle' })).toEqual(['boil']);
  expect(await listed(node, { query: 'kettle', status: 'open' })).toEqual([]);
  const all = await listed(node, { query: 'the rust release water quorum' });
  expect(all).toHaveLength(3);
  const paged: string[] = [];
  for (let cursor: string | undefined; paged.length < 3; ) {
    const page: Listed = await call(node, 'list_tasks', {
      query: 'the rust release water quorum',
      limit: 1,
      ...(cursor === undefined ? {} : { cursor }),
    });
    paged.push(...page.tasks.map(({ task_id }) => task_id));
    cursor = page.next_cursor;
  }
  expect(paged).toEqual(all);

  const sql = async (query: string) => (await node.views.sql(group.groupId, query)).rows;
  expect(await sql("SELECT task FROM tasks WHERE result_text LIKE '%kettle%'")).toEqual([['boil']]);
  expect(await sql("SELECT task, tag FROM task_tags WHERE tag_form = 'rust' ORDER BY task")).toEqual([
    ['ship-it', 'Rust'],
    ['tidy', 'rust'],
  ]);

  // What is kept of tasks is compared with the log too.
  expect(await node.views.compare(group.groupId)).toBeUndefined();
  await node.close();
  const file = new Sqlite(viewFile(data));
  file.run("DELETE FROM vocabulary WHERE term = 'kettle'");
  file.close();
  // The sum of the file would tell without a look into it.
  rmSync(viewFile(data) + SUM_SUFFIX, { force: true });
  const again = await opened(data);
  expect(await again.node.views.compare(group.groupId)).toContain('vocabulary');
});

test('the verb lists them, best first', async () => {
  const data = newDirectory();
  const { node } = await withBoard(data);
  await node.close();
  const env = { LB_DATA: data, LB_EMBEDDER: 'none' };
  const found = await lb(['list-tasks', '--search', 'tls kettle', '--json'], { env });
  expect(JSON.parse(found.stdout)).toMatchObject({ data: { tasks: [{ task: 'boil' }] } });
  const tagged = await lb(['list-tasks', '--tags', 'RUST', '--search', 'ship', '--json'], { env });
  expect(JSON.parse(tagged.stdout)).toMatchObject({ data: { tasks: [{ task: 'ship-it' }] } });
  const none = await lb(['list-tasks', '--search', 'nowhere', '--json'], { env });
  expect(JSON.parse(none.stdout)).toMatchObject({ data: { tasks: [] } });
});

test('tags, ids of tasks and names of groups are one whatever their form and case', async () => {
  const { node } = await opened(newDirectory());
  const group = await node.createGroup({ name: 'Caf\u00e9 Zürich' });
  const me = group.as('node');
  await me.publishClaim({ text: 'tagged', tags: ['Cafe\u0301'] });
  await me.createTask({ task: 'R\u00e9sum\u00e9-One', title: 'one', tags: ['Ünit'] });
  for (const tag of ['CAFÉ', 'caf\u00e9', 'ｃａｆé'])
    expect(
      (await node.views.compileContext(group.groupId, { query: '', tags: [tag] })).claimIds,
    ).toHaveLength(1);
  expect((await node.views.compileContext(group.groupId, { query: '', tags: ['cafe'] })).claimIds).toEqual(
    [],
  );
  expect(await listed(node, { tags: ['üNIT'] })).toEqual(['R\u00e9sum\u00e9-One']);
  expect(await listed(node, { tags: ['unit'] })).toEqual([]);
  expect(await call(node, 'get_task', { task_id: 're\u0301sume\u0301-one' })).toMatchObject({
    task: { task_id: 'R\u00e9sum\u00e9-One' },
  });
  expect(node.group('cafe\u0301 ZÜRICH').groupId).toBe(group.groupId);
});

test('what looks the same is told apart: a task is not made twice so, a group is named by its id', async () => {
  const { node } = await opened(newDirectory());
  const group = await node.createGroup({ name: 'team' });
  await call(node, 'create_task', { group_id: group.groupId, task_id: 'Deploy', title: 'one' });
  await expect(
    call(node, 'create_task', { group_id: group.groupId, task_id: 'deploy', title: 'two' }),
  ).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('Deploy') });
  // The rules take it: what is in the chain is found, and listed where it is ambiguous.
  await group.as('node').createTask({ task: 'deploy', title: 'two' });
  const read = (task_id: string) =>
    call<{ task: { task_id: string } }>(node, 'get_task', { group_id: group.groupId, task_id });
  expect((await read('deploy')).task.task_id).toBe('deploy');
  expect((await read('Deploy')).task.task_id).toBe('Deploy');
  await expect(read('DEPLOY')).rejects.toMatchObject({
    code: 'ambiguous_id',
    candidates: ['Deploy', 'deploy'],
  });
  await group.as('node').createTask({ task: 'caf\u00e9', title: 'composed' });
  await group.as('node').createTask({ task: 'cafe\u0301', title: 'decomposed' });
  await expect(read('caf\u00e9')).rejects.toMatchObject({
    code: 'ambiguous_id',
    candidates: expect.arrayContaining(['"caf\\u00e9"', '"cafe\\u0301"']),
  });
  const other = await node.createGroup({ name: 'team\u200b' });
  for (const { groupId } of [group, other])
    expect(() => node.group('team')).toThrowError(groupId.slice(0, 12));
  await node.createGroup({ name: 'Crew' });
  expect(node.group('crew').now.group().name).toBe('Crew');
});
