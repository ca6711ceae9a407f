/** How far an import is, on one line of a terminal. */
import type { Output } from '../output.ts';
import { count } from '../text.ts';
import type { ImportProgress } from './import-markdown.ts';

/** As often as an eye can follow. */
const INTERVAL_MS = 100;

export function perSecond(number: number, seconds: number): string {
  return `${Math.round(number / Math.max(seconds, 0.001)).toLocaleString('en-US')}/s`;
}

/** A listener that shows the progress of an import where messages go to a terminal. Clear it with `status('')`. */
export function importStatus(out: Output): (progress: ImportProgress) => void {
  let shownMs = 0;
  return ({ files, filesTotal, claims, seconds }) => {
    const nowMs = performance.now();
    if (nowMs - shownMs < INTERVAL_MS) return;
    shownMs = nowMs;
    const made = claims === 0 ? '' : `, ${count(claims, 'claim')}, ${perSecond(claims, seconds)}`;
    out.status(`${files}/${count(filesTotal, 'file')}${made}`);
  };
}
