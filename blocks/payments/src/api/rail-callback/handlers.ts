import {
  badRequest,
  compileValidator,
  forbidden,
  type Handlers,
  Problem,
  type Static,
} from '@govstack/platform';
import { flattenedVerify, importJWK, type JWK } from 'jose';
import { takeNotice } from '../../dispatch/take-notice.ts';
import type { Payments } from '../../payments-context.ts';
import type { Outcome, RailResult } from '../../rails/port.ts';
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

/** The payload of a notice signed with this key. */
async function payloadOf(publicKey: JWK, body: Signed): Promise<Uint8Array> {
  const key = await importJWK(publicKey, publicKey.alg ?? 'ES256');
  return (await flattenedVerify(body, key, { algorithms: ['ES256', 'EdDSA', 'PS256'] })).payload;
}

/** Opens a signed notice with a key registered for one of its sender's rails (PAY-6.14-f). */
async function verified(keys: readonly JWK[], body: Signed): Promise<Notice> {
  if (keys.length === 0)
    throw unusable('No key is registered for this rail; its signature cannot be verified');
  const payload = await Promise.any(keys.map((key) => payloadOf(key, body))).catch(() => {
    throw unusable('The signature of the notice is not valid');
  });
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
      const keys = rails.map((rail) => rail.public_key).filter((key) => key !== null);
      if (keys.length > 0 && !isSigned(body)) throw unusable('Notices of this rail must be signed');
      const notice = isSigned(body) ? await verified(keys, body) : body;
      const results = notice.results.map(
        (one): RailResult => ({
          reference: one.reference,
          outcome: outcomes[one.status],
          ...(one.railReference === undefined ? {} : { railReference: one.railReference }),
          ...(one.reasonCode === undefined ? {} : { reasonCode: one.reasonCode }),
        }),
      );
      const repeated = await takeNotice(payments, rails, first, {
        eventId: notice.eventId,
        body: notice,
        signature: isSigned(body) ? body : undefined,
        results,
      });
      return { status: 202, body: { eventId: notice.eventId, repeated } };
    },
  };
}
