import { input, type SignedInVisit } from '../site/visit.ts';
import type { PageError } from './refusals.ts';
import { isCode } from './shell.ts';

/** Inputs of a form by name, as they were entered: whole, with the ends of lines that were shown. */
export const enteredIn = <const N extends string>(
  visit: SignedInVisit,
  names: readonly N[],
): Record<N, string> =>
  Object.fromEntries(names.map((name) => [name, input(visit, name).replaceAll('\r\n', '\n')])) as Record<
    N,
    string
  >;

/** A property of a body for an input that may be left empty. */
export const given = <const K extends string>(name: K, value: string): { [P in K]?: string } =>
  value === '' ? {} : ({ [name]: value } as { [P in K]?: string });

/** Lines or words of an input, without empty ones. */
export const itemsOf = (text: string): string[] =>
  text
    .split(/[\s,;]+/)
    .map((one) => one.trim())
    .filter((one) => one !== '');

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((item, index) => item === other[index]);

/** Items of an input that was shown one a line. What nobody changed stays exactly as it was, whatever is in an item. */
export function listIn(text: string, before: readonly string[] = []): string[] {
  const found = itemsOf(text);
  return same(found, itemsOf(before.join('\n'))) ? [...before] : found;
}

/** Ticks of a group that it offers, in the order they had as long as they are the same ones. */
export function ticksIn<const T extends string>(
  offered: readonly T[],
  chosen: readonly string[],
  before: readonly T[] = [],
): T[] {
  const found = offered.filter((one) => chosen.includes(one));
  return same(
    found,
    offered.filter((one) => before.includes(one)),
  )
    ? [...before]
    : found;
}

/** One of some values that a form offers; undefined when it is none of them. */
export const choiceIn = <const T extends string>(choices: readonly T[], text: string): T | undefined =>
  choices.find((one) => one === text);

export const wrongChoice = (visit: SignedInVisit, name: string): PageError => ({
  text: visit.voice.t('treasury.settings.choiceWrong', {
    name: visit.voice.t(`treasury.settings.fields.${name}`),
  }),
  href: `#${name}`,
});

export const ticked = (visit: SignedInVisit, name: string): boolean => input(visit, name) === 'yes';

/** Every value of a group of ticks. */
export const allTicked = (visit: SignedInVisit, name: string): string[] =>
  [visit.body[name] ?? []].flat().filter((one) => one !== '');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** An object as JSON; undefined when it is none. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  const value = jsonIn(text);
  return isObject(value) ? value : undefined;
}

/** A list of objects as JSON, or a single one; undefined when it is neither. */
export function objectsIn(text: string): Record<string, unknown>[] | undefined {
  const list = [jsonIn(text)].flat();
  return list.every(isObject) ? list : undefined;
}

/** Whether a text is a day of the calendar, `YYYY-MM-DD`. */
export const isRealDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  new Date(text).toISOString().startsWith(text);

/** What is missing of inputs that must be filled in. */
export const missingOf = (
  visit: SignedInVisit,
  entered: Readonly<Record<string, string>>,
  required: readonly string[],
): PageError[] =>
  required
    .filter((name) => (entered[name] ?? '') === '')
    .map((name) => ({
      text: visit.voice.t('treasury.settings.missing', {
        name: visit.voice.t(`treasury.settings.fields.${name}`),
      }),
      href: `#${name}`,
    }));

/** An amount as people type it, with spaces or a decimal comma, as the block takes it; undefined when it is none. */
export function amountIn(text: string): string | undefined {
  const plain = text.replaceAll(/[\s\u00a0\u202f'’]/g, '').replace(/,(?=\d{1,2}$)/, '.');
  return /^\d{1,18}(\.\d{1,8})?$/.test(plain) ? plain : undefined;
}

export const wrongAmount = (visit: SignedInVisit, name: string): PageError => ({
  text: visit.voice.t('treasury.settings.amountWrong', {
    name: visit.voice.t(`treasury.settings.fields.${name}`),
  }),
  href: `#${name}`,
});

/** What is wrong with the short code of a setting; the code of a new one must not be taken, or it would be overwritten. */
export function codeFault(visit: SignedInVisit, name: string, code: string, taken = false): PageError[] {
  const fault = isCode(code) ? (taken ? 'codeTaken' : undefined) : 'codeWrong';
  return fault ? [{ text: visit.voice.t(`treasury.settings.${fault}`), href: `#${name}` }] : [];
}
