/** Imports point one way, and the pure rooms know nothing of the platform. */
import { describe, expect, it } from 'vitest';
import { forbiddenImports, importsOfVerbs, impurities } from './rooms.ts';
import { importsOf, sources, withoutComments } from './sources.ts';

const files = sources('**/*.ts');

describe('the order of the rooms', () => {
  it('holds', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(forbiddenImports(files)).toEqual([]);
  });

  it('would be missed', () => {
    const canary = (path: string, target: string) => ({ path, text: `import { x } from '${target}';` });
    expect(
      forbiddenImports([
        canary('events/a.ts', '../machines/group.ts'),
        canary('events/operations/a.ts', '../../crypto/hash.ts'),
        canary('machines/a.ts', '../actors/bus.ts'),
        canary('crypto/a.ts', '../storage/port.ts'),
        canary('storage/a.ts', '../crypto/hash.ts'),
        canary('views/a.ts', '../actors/bus.ts'),
        canary('actors/a.ts', '../node.ts'),
        canary('index.ts', './interfaces/cli/main.ts'),
        canary('storage/a.ts', '../test/support/world.ts'),
        canary('kitchen/a.ts', './b.ts'),
        { path: 'events/b.ts', text: "const late = await import('../machines/group.ts');" },
        { path: 'events/c.ts', text: "export type { Tip } from '../machines/chain.ts';" },
      ]),
    ).toHaveLength(12);
    expect(
      forbiddenImports([
        canary('machines/a.ts', '../events/bytes.ts'),
        canary('interfaces/cli/a.ts', '../../index.ts'),
        canary('index.ts', './node.ts'),
        canary('test/a.ts', '../interfaces/cli/main.ts'),
      ]),
    ).toEqual([]);
  });
});

describe('the verbs of the command line', () => {
  it('are imported by nobody else', () => {
    expect(importsOfVerbs(files)).toEqual([]);
  });

  it('would be missed', () => {
    const text = "import { x } from '../cli/verbs/tasks.ts';";
    expect(importsOfVerbs([{ path: 'interfaces/operations/a.ts', text }])).toHaveLength(1);
  });
});

describe('the pure rooms', () => {
  it('are pure', () => {
    expect(impurities(files, withoutComments)).toEqual([]);
  });

  it('would be missed', () => {
    const impure = [
      "import { hash } from 'node:crypto';",
      "import fs from 'fs';",
      "import { Packr } from 'msgpackr';",
      'const now = Date.now();',
      'const at = new Date(0);',
      'const draw = Math.random();',
      'const ms = performance.now();',
      'setTimeout(() => {}, 1);',
      'const text = (1.5).toLocaleString();',
      'a.localeCompare(b);',
      'Buffer.from(bytes);',
      'process.env.LB_LOG_LEVEL;',
      'globalThis.crypto.getRandomValues(bytes);',
    ];
    for (const text of impure)
      expect(impurities([{ path: 'events/a.ts', text }], withoutComments), text).not.toEqual([]);
    const actors = [{ path: 'events/a.ts', text: "import { setup } from 'xstate';" }];
    expect(impurities(actors, withoutComments)).toHaveLength(1);
    expect(
      impurities([{ path: 'machines/a.ts', text: '// Date.now() in a comment' }], withoutComments),
    ).toEqual([]);
  });
});

describe('the reader of imports', () => {
  it('finds every form', () => {
    const text = [
      "import a from './a.ts';",
      "import './b.ts';",
      "import type { C } from './c.ts';",
      "export * from './d.ts';",
      "const e = await import('./e.ts');",
      "import {\n  f,\n} from './f.ts';",
      "// import './no.ts';",
      "/* import './no.ts'; */",
    ].join('\n');
    expect(importsOf(text)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts']);
  });
});
