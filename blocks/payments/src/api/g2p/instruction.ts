import { badRequest, forbidden, type Person } from '@govstack/platform';

/** Names under which dialects put the payee's functional id. Anything else, an account number above all, is refused. */
export const payeeKeys: ReadonlySet<string> = new Set(['functionalid', 'payeefunctionalid', 'payeeidentity']);

/** The payee's functional id. Throws a 400 when something else is there. */
export function payeeOf(
  party: readonly { readonly key: string; readonly value: string }[],
  index: number,
): string {
  const pointer = `/${index}/creditParty`;
  const [only] = party;
  if (!only || party.length !== 1 || !payeeKeys.has(only.key.toLowerCase()))
    throw badRequest('The request is not valid', [
      { in: 'body', pointer, detail: 'must name the payee by functionalId alone, and no account (5.3.4)' },
    ]);
  if (only.value.length > 36)
    throw badRequest('The request is not valid', [
      { in: 'body', pointer: `${pointer}/0/value`, detail: 'must NOT have more than 36 characters' },
    ]);
  return only.value;
}

/**
 * The person who made a run and may therefore not approve it: whoever signed in, or else the one the source names. A
 * source that names another than who signed in is refused, or a maker could hide behind any name (PAY-5.3.1-f).
 */
export function makerOf(named: string | undefined, person: Person | undefined): string | undefined {
  if (person !== undefined && named !== undefined && named !== person.id)
    throw forbidden('X-Initiator names another person than the access token');
  return person?.id ?? named;
}

/** The instant before which nothing may leave. Throws a 400 when it is too far. */
export function notBeforeOf(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  const instant = new Date(text);
  if (instant.getTime() > now.getTime() + 366 * 86_400_000)
    throw badRequest('X-Not-Before is more than a year away');
  return instant;
}
