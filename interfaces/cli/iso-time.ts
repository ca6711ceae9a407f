/**
 * Points in time as people write them: ISO 8601, read in one way wherever a time is taken. What names no zone is UTC,
 * as all times are shown; and a day or an hour that does not exist is no time, where a lenient reader would make it the
 * first of March.
 */

const ISO =
  /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?)?$/i;
const MINUTE_MS = 60_000;

/** Milliseconds since 1970, or nothing for what is no such time. */
export function isoTime(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone] = match;
  const offsetMs = zoneMs(zone);
  if (offsetMs === undefined) return undefined;
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const ms = Date.parse(`${written}Z`);
  // Read back: the thirtieth of February is another day then.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(written)) return undefined;
  return ms + Math.floor(Number(`0.${fraction || 0}`) * 1000) - offsetMs;
}

/** How far a zone is ahead of UTC. */
function zoneMs(zone = 'Z'): number | undefined {
  if (/^z$/i.test(zone)) return 0;
  const [, sign, hours, minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)!;
  if (Number(hours) > 14 || Number(minutes) > 59) return undefined;
  return (Number(hours) * 60 + Number(minutes)) * MINUTE_MS * (sign === '-' ? -1 : 1);
}
