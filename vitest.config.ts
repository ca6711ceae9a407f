import { defineConfig } from 'vitest/config';

const QUICK = ['test/{house,unit}/**/*.test.ts'];

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    pool: 'forks',
    // Tests that start processes and threads of their own are many; two files at once fill two cores.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        // They keep nothing that another would find, as `npm run check` holds: one process for file after file.
        test: { name: 'quick', include: QUICK, isolate: false },
      },
      { extends: true, test: { name: 'whole', include: ['test/**/*.test.ts'], exclude: QUICK } },
    ],
  },
});
