import { createHash } from 'node:crypto';
import { badRequest, forbidden, type Handlers } from '@govstack/platform';
import { takeNotice } from '../../dispatch/take-notice.ts';
import type { Payments } from '../../payments-context.ts';
import { outcomeOfError, outcomeOfStatus } from '../../rails/gsma/outcome.ts';
import type { RailResult } from '../../rails/port.ts';
import { listRails } from '../../rails/registry.ts';
import type { gsmaCallback } from './operations.ts';

/** Takes what providers report: who sends is known to the mediator, saying it twice changes nothing. */
export function gsmaCallbackHandlers(payments: Payments): Handlers<typeof gsmaCallback.operations> {
  return {
    async putTransaction({ headers, body, caller }) {
      const rails = (await listRails(payments.db)).filter(
        (rail) => rail.adapter === 'gsma' && rail.service.startsWith(`${caller.application}/`),
      );
      const [first] = rails;
      if (!first) throw forbidden('Only registered payer rails report results');
      const named = body.requestingOrganisationTransactionReference;
      const reference = headers['x-correlationid'] ?? named;
      if (reference === undefined)
        throw badRequest('X-CorrelationID or requestingOrganisationTransactionReference names the request');
      if (named !== undefined && named.toLowerCase() !== reference.toLowerCase())
        throw badRequest('X-CorrelationID and requestingOrganisationTransactionReference name two requests');
      const { errorCategory, errorCode, transactionStatus, transactionReference } = body;
      const said =
        transactionStatus !== undefined
          ? {
              outcome: outcomeOfStatus(transactionStatus),
              ...(errorCode === undefined ? {} : { reasonCode: errorCode.slice(0, 40) }),
            }
          : errorCategory !== undefined && errorCode !== undefined
            ? outcomeOfError({ errorCategory, errorCode })
            : undefined;
      if (!said) throw badRequest('The report has neither transactionStatus nor an error');
      const result: RailResult = {
        reference,
        ...said,
        ...(transactionReference === undefined ? {} : { railReference: transactionReference.slice(0, 50) }),
      };
      const eventId = createHash('sha256').update(JSON.stringify(result)).digest('hex');
      await takeNotice(payments, rails, first, { eventId, body, signature: undefined, results: [result] });
      return { status: 204 };
    },
  };
}
