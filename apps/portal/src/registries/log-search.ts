import { recordActions, schemaActions } from '@govstack/digital-registries/api';
import { isUuid } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { instantOf } from './moments.ts';
import type { PageError } from './refusals.ts';

/** The logs of a registry that are searched. */
export const logs = ['changes', 'registry', 'reads'] as const;
export type Log = (typeof logs)[number];

/** What can be looked for in each, besides who and when. */
export const actionsOf: Readonly<Record<Log, readonly string[]>> = {
  changes: recordActions,
  registry: schemaActions,
  reads: ['read', 'exists', 'list'],
};

/** What somebody looks for in a log. It may be personal: it is kept sealed, and never stands in an address. */
export interface LogSearch {
  readonly name?: string;
  /** Id of the person who did it. */
  readonly person?: string;
  readonly application?: string;
  /** Uuid of the record. */
  readonly record?: string;
  /** Name of the field. */
  readonly field?: string;
  readonly action?: string;
  /** Days in the country, `YYYY-MM-DD`, both included. */
  readonly from?: string;
  readonly to?: string;
}

const dayPattern = /^\d{4}-\d{2}-\d{2}$/;
const nextDay = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

/** The search that was entered, and what is wrong with it. */
export function enteredSearch(visit: SignedInVisit, log: Log, timeZone: string) {
  const { t } = visit.voice;
  const errors: PageError[] = [];
  const search: Record<string, string> = {};
  const names = [
    'person',
    'application',
    'action',
    'from',
    'to',
    ...(log === 'registry' ? [] : ['record', 'field']),
  ];
  for (const name of names) {
    const text = input(visit, name).slice(0, 200);
    if (text !== '') search[name] = text;
  }
  if (search.record !== undefined && !isUuid(search.record))
    errors.push({ text: t('registries.log.recordWrong'), href: '#record' });
  for (const name of ['from', 'to'])
    if (search[name] !== undefined && instantOf(`${search[name]}T00:00`, timeZone) === undefined)
      errors.push({ text: t('registries.log.dayWrong'), href: `#${name}` });
  if (search.action !== undefined && !actionsOf[log].includes(search.action)) delete search.action;
  return { search: search as LogSearch, errors };
}

const begin = (day: string | undefined, timeZone: string): string | undefined =>
  day !== undefined && dayPattern.test(day) ? instantOf(`${day}T00:00`, timeZone) : undefined;

/** What the registries are asked for: days as instants. */
export function askedOf({ name: _, action, from, to, ...rest }: LogSearch, timeZone: string) {
  const [since, until] = [begin(from, timeZone), begin(to === undefined ? to : nextDay(to), timeZone)];
  return {
    ...rest,
    ...(since === undefined ? {} : { from: since }),
    ...(until === undefined ? {} : { to: until }),
  };
}
