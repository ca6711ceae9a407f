/**
 * Arguments as hosts send them. Models and hosts write one value in many ways: `null` for what they leave out, numbers
 * and lists as text, a number where the schema has a text. What can mean one thing only is taken as that; what could
 * mean two is left as it is, so that the check refuses it and says the right form. A guess would be a wrong due time
 * or somebody else's task.
 *
 *     null, or an empty text, for what is optional     left out
 *     "20" for a whole number, "true" for a flag       20, true
 *     '["a","b"]' or "a, b" for a list of texts        ["a", "b"]
 *     '{"a":1}' for an object                          { a: 1 }
 *     42 for a text                                    "42"
 *     " 0A1B2C3D " for an id or a name                 "0A1B2C3D", whose case whoever looks it up passes over
 *     "In Progress", "in-progress" for a word          "in_progress"
 *     "250.0" for an amount                            "250"
 *     "2026-12-01T12:00:00Z" for a point in time       its milliseconds since 1970
 */
import { type ObjectSchema, type Span, timeIn } from './schema.ts';

/** What the parts of a schema say that matter here. */
export interface Form {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: Form;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Form[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** What was sent, as the operation's schema has it where that can be told; the rest as it came. */
export function asMeant(schema: ObjectSchema, given: unknown): unknown {
  const fields = given === undefined || given === null ? {} : objectIn(given);
  if (fields === undefined) return given;
  const { properties = {}, required = [] } = schema as unknown as Form;
  const taken = Object.entries(fields).flatMap(([name, value]): [string, unknown][] => {
    const form = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (value === undefined || value === null) return [];
    const meant = form === undefined ? value : valueFor(form, value);
    const isLeftOut = meant === undefined || meant === null || meant === '';
    return isLeftOut && form !== undefined && !required.includes(name) ? [] : [[name, meant]];
  });
  return Object.fromEntries(taken);
}

function valueFor(form: Form, value: unknown): unknown {
  const time = timeIn(form);
  if (time?.kind === 'point') return pointFor(value);
  if (form.anyOf !== undefined) return typeof value === 'string' ? amountIn(value) : value;
  switch (form.type) {
    case 'integer':
      return typeof value === 'string' ? wholeIn(value) : value;
    case 'boolean':
      return typeof value === 'string' ? flagIn(value) : value;
    case 'array':
      return listFor(form, value);
    case 'object':
      return typeof value === 'string'
        ? (objectIn(value) ?? (saysNothing(value) ? undefined : value))
        : value;
    case 'string':
      if (form.enum !== undefined) return wordFor(form.enum, value);
      return isName(form) && typeof value === 'string' ? value.trim() : textFor(value);
    default:
      return value;
  }
}

/** A whole number as text, also as `20.0`; a text that says nothing stands for no value. */
function wholeIn(text: string): unknown {
  const said = text.trim();
  if (/^[+-]?\d{1,16}(\.0+)?$/.test(said)) return Number(said);
  return saysNothing(said) ? undefined : text;
}

/** Amounts have more digits than a number holds, so they stay texts. */
function amountIn(text: string): unknown {
  const said = text.trim();
  const [, digits] = /^\+?(\d{1,19})(?:\.0+)?$/.exec(said) ?? [];
  return digits ?? (saysNothing(said) ? undefined : said);
}

function flagIn(text: string): unknown {
  const said = text.trim().toLowerCase();
  if (said === 'true' || said === 'false') return said === 'true';
  return saysNothing(said) ? undefined : text;
}

/** Nothing, or `null` as text, where no text is meant. */
function saysNothing(text: string): boolean {
  return text.trim() === '' || text.trim() === 'null';
}

/** A number that a host took a text for: digits that all are the text's. */
function textFor(value: unknown): unknown {
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  return isWhole ? String(value) : value;
}

/** What somebody is looked up by has no bounds of its own, and no space around it. */
function isName({ minLength, maxLength }: Form): boolean {
  return minLength === undefined && maxLength === undefined;
}

/** One of some words, also where its case or the sign between its parts is another. */
function wordFor(words: readonly string[], value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const said = plainWord(value);
  return words.find((word) => plainWord(word) === said) ?? (saysNothing(value) ? undefined : value);
}

function plainWord(word: string): string {
  return word
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, '_');
}

function listFor({ items = {} }: Form, value: unknown): unknown {
  const list = typeof value === 'string' ? listIn(value) : typeof value === 'number' ? [value] : value;
  return Array.isArray(list) ? list.map((one) => valueFor(items, one)) : list;
}

/** A list as JSON, else the parts between commas. */
function listIn(text: string): unknown {
  const said = text.trim();
  if (said === '') return [];
  if (said === 'null') return undefined;
  if (said.startsWith('[')) {
    const list = jsonIn(said);
    if (Array.isArray(list)) return list;
  }
  return said
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function objectIn(value: unknown): Fields | undefined {
  const object = typeof value === 'string' ? jsonIn(value) : value;
  return typeof object === 'object' && object !== null && !Array.isArray(object)
    ? (object as Fields)
    : undefined;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/;

/** A date with its zone; one without could be any of two dozen points. */
function pointFor(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const said = value.trim();
  const [, year, month, day] = DATE.exec(said.toUpperCase()) ?? [];
  if (year === undefined) return wholeIn(value);
  const ms = Date.parse(said.toUpperCase());
  // JavaScript takes the 30th of February for the 1st of March.
  const isReal = Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number.isNaN(ms) || !isReal ? value : ms;
}

/** The earliest and the latest time that is meant in milliseconds: seconds lie before it, microseconds behind. */
const POINT_MS_MIN = 100_000_000_000;
const POINT_MS_MAX = 100_000_000_000_000;

/** Points in time that can be meant in another unit, each in a line; `given` has passed the schema. */
export function doubtsAbout(schema: ObjectSchema, given: unknown): string[] {
  const { properties = {} } = schema as unknown as Form;
  return Object.entries(given as Fields).flatMap(([name, value]) => {
    const form = properties[name];
    const time = form === undefined ? undefined : timeIn(form);
    if (time?.kind !== 'point' || typeof value !== 'number') return [];
    if ((value === 0 && time.isFromStart) || (value >= POINT_MS_MIN && value < POINT_MS_MAX)) return [];
    const seen = value < POINT_MS_MIN ? `in ${new Date(value).getUTCFullYear()}` : 'beyond the year 5000';
    return [`${name} is ${value}, which is ${seen}: it must be ${POINT_FORM}`];
  });
}

const POINT_FORM =
  'milliseconds since 1970, such as 1790000000000, or a date with its zone, such as 2026-09-21T14:13:20Z';

/** What a value must be like, as one who has to write it is told. */
export function formOf(form: Form): string {
  const time = timeIn(form);
  if (time?.kind === 'point') return POINT_FORM;
  if (form.anyOf !== undefined) return 'a whole amount, such as 250';
  if (form.enum !== undefined) return `one of ${form.enum.join(', ')}`;
  switch (form.type) {
    case 'integer':
      return wholeForm(form, time);
    case 'boolean':
      return 'true or false';
    case 'array':
      return listForm(form);
    case 'object':
      return 'an object, such as {"key": "value"}';
    default:
      return textForm(form);
  }
}

function wholeForm({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Form, time: Span | undefined): string {
  const what = time === undefined ? 'a whole number' : 'milliseconds';
  return maximum >= 2 ** 52 ? `${what}, at least ${minimum}` : `${what} from ${minimum} to ${maximum}`;
}

function listForm({ items = {}, maxItems }: Form): string {
  const [one = 'a', other = 'b'] = items.enum ?? [];
  const most = maxItems === undefined ? '' : `up to ${maxItems} `;
  return `a list of ${most}texts, such as ["${one}", "${other}"]`;
}

function textForm({ minLength = 0, maxLength }: Form): string {
  if (maxLength === undefined) return minLength === 0 ? 'a text in quotes' : 'a text that says something';
  return `a text of ${minLength} to ${maxLength} characters`;
}

/** Characters of what was sent that a problem quotes: enough to be found again. */
const QUOTED_MAX = 60;

/** What was sent, as a problem names it. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const said = typeof value === 'string' ? JSON.stringify(value.slice(0, 2 * QUOTED_MAX)) : String(value);
  const characters = Array.from(said);
  return characters.length <= QUOTED_MAX ? said : `${characters.slice(0, QUOTED_MAX - 1).join('')}…`;
}
