/** Members, tasks and presence, with what happened to them. */
import type { Effect } from '../../events/effects.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Happening } from '../block-content.ts';
import type { Sqlite } from '../sqlite.ts';
import type { WordIndex } from '../words.ts';
import { addOutcome, addTaskTexts } from './task-texts.ts';

type TaskChanged = Extract<Effect, { kind: 'task.changed' }>;

/** Where tasks and their words go, and where the texts of their results come from. */
export interface TaskTexts {
  readonly sqlite: Sqlite;
  readonly taskWords: WordIndex;
  readonly reader: GroupReader;
}

/** Takes in what the effect changes; other effects change nothing here. */
export function projectWork(file: TaskTexts, happening: Happening): void {
  const { sqlite } = file;
  const { effect, height, position, tsMs } = happening;
  switch (effect.kind) {
    case 'group.created':
      setRole(sqlite, effect.creator, 'admin', tsMs);
      break;
    case 'member.changed':
      setRole(sqlite, effect.member, effect.role, tsMs);
      break;
    case 'profile.changed':
      sqlite.run('UPDATE member SET name = ? WHERE member = ?', effect.name, effect.member);
      break;
    case 'task.changed':
      changeTask(file, happening, effect);
      break;
    case 'presence.changed':
      sqlite.run(
        'INSERT INTO presence_change VALUES (?, ?, ?, ?, ?, ?)',
        height,
        position,
        effect.member,
        effect.status,
        effect.metadata ?? null,
        tsMs,
      );
      break;
  }
}

function setRole(sqlite: Sqlite, member: string, role: string, tsMs: number): void {
  sqlite.run(
    `INSERT INTO member VALUES (?, ?, NULL, ?)
      ON CONFLICT (member) DO UPDATE SET role = excluded.role, since_ms = excluded.since_ms`,
    member,
    role,
    tsMs,
  );
}

function changeTask(
  { sqlite, taskWords, reader }: TaskTexts,
  { operation, height, position, tsMs }: Happening,
  effect: TaskChanged,
): void {
  const { task, event, status, attempt, by, assignee = null, reward = null, result = null } = effect;
  if (event === 'create' && operation.type === 'task_create') {
    const { n, words } = addTaskTexts(sqlite, taskWords, operation);
    sqlite.run(
      'INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)',
      task,
      operation.title,
      by,
      status,
      assignee,
      attempt,
      reward,
      operation.dueMs ?? null,
      result,
      tsMs,
      tsMs,
      n,
      operation.description ?? null,
      JSON.stringify(operation.tags),
      words,
    );
  } else {
    sqlite.run(
      'UPDATE task SET status = ?, assignee = ?, attempt = ?, result = ?, updated_ms = ? WHERE task = ?',
      status,
      assignee,
      attempt,
      result,
      tsMs,
      task,
    );
    const error = operation.type === 'task_fail' ? operation.error : undefined;
    if (result !== null || error !== undefined) {
      const { n } = sqlite.get<{ n: number }>('SELECT n FROM task WHERE task = ?', task)!;
      addOutcome(sqlite, taskWords, reader, { n, result, error });
    }
  }
  const note = effect.note ?? null;
  sqlite.run(
    'INSERT INTO task_transition VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    height,
    position,
    task,
    event,
    status,
    attempt,
    by,
    assignee,
    note,
    tsMs,
  );
}
