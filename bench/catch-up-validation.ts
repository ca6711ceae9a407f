/** What catch-up is compared with: the same blocks validated by a process as new as the one that catches up. */
import { readBlocks } from './block-file.ts';
import { secondsToValidate } from './validation.ts';

const [file = '', threads = ''] = process.argv.slice(2);
console.log(JSON.stringify(await secondsToValidate({ blocks: readBlocks(file) }, Number(threads))));
