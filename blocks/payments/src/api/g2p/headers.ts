import { badRequest, forbidden } from '@govstack/platform';
import { type CallbackTarget, callbackTarget } from '../../callbacks/target.ts';
import type { Source } from '../../sources/source.ts';

type Aliases = Readonly<Record<string, string | undefined>>;

/** The callback of a request, under any of the header's published spellings. */
export const callbackOf = (source: Source, headers: Aliases): CallbackTarget | undefined =>
  callbackTarget(source, headers['x-callback-url'] ?? headers['x-callbackurl'] ?? headers['x-callback_url']);

/** A source may name only its own registering institution: data is scoped by it. */
export function assertInstitution(source: Source, headers: Aliases): void {
  const named = headers['x-registering-institution-id'] ?? headers.registeringinstitutionid;
  if (named !== undefined && named !== source.institution_id)
    throw forbidden('This source does not act for the named registering institution');
}

/** A source that names itself in a message must name itself. */
export function assertSourceId(source: Source, named: string | undefined): void {
  if (named !== undefined && named !== source.id)
    throw forbidden('sourceBBID is not the id of the calling source');
}

/** The first of several spellings that is given, or a 400 that names the published one. */
export function required<T>(name: string, ...values: readonly (T | undefined)[]): T {
  const value = values.find((one) => one !== undefined);
  if (value === undefined)
    throw badRequest('The request is not valid', [
      { in: 'body', pointer: `/${name}`, detail: 'is required' },
    ]);
  return value;
}
