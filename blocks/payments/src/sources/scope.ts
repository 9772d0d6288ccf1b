import { type Caller, memberOf, type Person } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';
import { maySee } from './access.ts';
import { sourceOfCaller } from './source.ts';

/** Whose runs somebody may see: everybody's, those of an agency's programmes, or those of one source. */
export interface Scope {
  readonly agency?: string;
  readonly sourceId?: string;
}

/** The runs that lists and figures may be about. Throws 403 when its caller may see none. */
export async function scopeOf(payments: Payments, caller: Caller, person?: Person): Promise<Scope> {
  const treasury =
    person === undefined
      ? memberOf(caller.application) === payments.treasury
      : person.agency === payments.treasury &&
        maySee(payments, { application: '', agency: '' }, caller, person);
  if (treasury) return {};
  const overseer =
    person?.agency !== undefined &&
    maySee(payments, { application: '', agency: person.agency }, caller, person);
  if (overseer) return { agency: person?.agency as string };
  return { sourceId: (await sourceOfCaller(payments.db, caller.application)).id };
}
