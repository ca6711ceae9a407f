/** Members, tasks and presence, with what happened to them. */
import type { Effect } from '../../events/effects.ts';
import type { Happening } from '../block-content.ts';
import type { Sqlite } from '../sqlite.ts';

type TaskChanged = Extract<Effect, { kind: 'task.changed' }>;

/** Takes in what the effect changes; other effects change nothing here. */
export function projectWork(sqlite: Sqlite, happening: Happening): void {
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
      changeTask(sqlite, happening, effect);
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
  sqlite: Sqlite,
  { operation, height, position, tsMs }: Happening,
  effect: TaskChanged,
): void {
  const { task, event, status, attempt, by, assignee = null, reward = null, result = null } = effect;
  if (event === 'create' && operation.type === 'task_create')
    sqlite.run(
      'INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
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
    );
  else
    sqlite.run(
      'UPDATE task SET status = ?, assignee = ?, attempt = ?, result = ?, updated_ms = ? WHERE task = ?',
      status,
      assignee,
      attempt,
      result,
      tsMs,
      task,
    );
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
