import {
  badRequest,
  compileValidator,
  forbidden,
  type Handlers,
  Problem,
  type Static,
  transaction,
} from '@govstack/platform';
import { flattenedVerify, importJWK } from 'jose';
import { applyResults } from '../../dispatch/apply-results.ts';
import type { Payments } from '../../payments-context.ts';
import type { Outcome, Rail, RailResult } from '../../rails/port.ts';
import { listRails } from '../../rails/registry.ts';
import { RailNotice, type railCallback, type SignedRailNotice } from './operations.ts';

type Notice = Static<typeof RailNotice>;
type Signed = Static<typeof SignedRailNotice>;

const isSigned = (body: Notice | Signed): body is Signed => 'payload' in body;
const validate = compileValidator(RailNotice, 'body', false);

const outcomes = {
  completed: 'succeeded',
  failed: 'failed',
  pending: 'pending',
  busy: 'busy',
  returned: 'returned',
} as const satisfies Record<string, Outcome>;

const unusable = (detail: string): Problem => new Problem(401, detail);

/** Opens a signed notice with the rail's registered key (PAY-6.14-f). */
async function verified(rail: Rail, body: Signed): Promise<Notice> {
  if (!rail.public_key)
    throw unusable('No key is registered for this rail; its signature cannot be verified');
  let payload: Uint8Array;
  try {
    const key = await importJWK(rail.public_key, rail.public_key.alg ?? 'ES256');
    ({ payload } = await flattenedVerify(body, key, { algorithms: ['ES256', 'EdDSA', 'PS256'] }));
  } catch {
    throw unusable('The signature of the notice is not valid');
  }
  let notice: unknown;
  try {
    notice = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw badRequest('The signed payload is not JSON');
  }
  const errors = validate(notice);
  if (errors) throw badRequest('The signed payload is not a notice', errors);
  return notice as Notice;
}

/** Takes notices of rails: who sends is known to the mediator, what is said is signed, saying it twice changes nothing. */
export function railCallbackHandlers(payments: Payments): Handlers<typeof railCallback.operations> {
  return {
    async postTransferResults({ body, caller }) {
      const rails = (await listRails(payments.db)).filter((rail) =>
        rail.service.startsWith(`${caller.application}/`),
      );
      const [first] = rails;
      if (!first) throw forbidden('Only registered payer rails report results');
      const rail = rails.find((one) => one.public_key !== null) ?? first;
      if (rail.public_key && !isSigned(body)) throw unusable('Notices of this rail must be signed');
      const notice = isSigned(body) ? await verified(rail, body) : body;
      const repeated = await transaction(payments.db, async (trx) => {
        const inserted = await trx
          .insertInto('rail_notice')
          .values({
            rail_id: rail.id,
            event_id: notice.eventId,
            body: JSON.stringify(notice),
            signature: isSigned(body) ? JSON.stringify(body) : null,
          })
          .onConflict((clash) => clash.constraint('rail_notice_pkey').doNothing())
          .returning('event_id')
          .executeTakeFirst();
        if (!inserted) return true;
        const results = notice.results.map(
          (one): RailResult => ({
            reference: one.reference,
            outcome: outcomes[one.status],
            ...(one.railReference === undefined ? {} : { railReference: one.railReference }),
            ...(one.reasonCode === undefined ? {} : { reasonCode: one.reasonCode }),
          }),
        );
        await applyResults(payments, rail.id, results, 'callback', trx);
        return false;
      });
      payments.wake();
      return { status: 202, body: { eventId: notice.eventId, repeated } };
    },
  };
}
