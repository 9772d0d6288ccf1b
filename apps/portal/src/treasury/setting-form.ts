import { input, type SignedInVisit } from '../site/visit.ts';
import type { PageError } from './refusals.ts';
import { isCode } from './shell.ts';

/** Inputs of a form by name, as they were entered. */
export const enteredIn = <const N extends string>(
  visit: SignedInVisit,
  names: readonly N[],
): Record<N, string> =>
  Object.fromEntries(names.map((name) => [name, input(visit, name).slice(0, 4000)])) as Record<N, string>;

/** A property of a body for an input that may be left empty. */
export const given = <const K extends string>(name: K, value: string): { [P in K]?: string } =>
  value === '' ? {} : ({ [name]: value } as { [P in K]?: string });

/** Lines or words of an input, without empty ones. */
export const itemsOf = (text: string): string[] =>
  text
    .split(/[\s,;]+/)
    .map((one) => one.trim())
    .filter((one) => one !== '');

export const ticked = (visit: SignedInVisit, name: string): boolean => input(visit, name) === 'yes';

/** Every value of a group of ticks. */
export const allTicked = (visit: SignedInVisit, name: string): string[] =>
  [visit.body[name] ?? []].flat().filter((one) => one !== '');

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

/** The short code of a new setting; what is wrong with it otherwise. */
export const codeFault = (visit: SignedInVisit, name: string, code: string): PageError[] =>
  isCode(code) ? [] : [{ text: visit.voice.t('treasury.settings.codeWrong'), href: `#${name}` }];
