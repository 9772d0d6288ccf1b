import { CallFailed, type Static, Type } from '@govstack/platform';
import { inParallel } from '../in-parallel.ts';
import type { RailAdapter, RailContext, RailResult } from '../port.ts';
import { gsmaRail } from './contract.ts';
import { outcomeOfStatus, resultOfRefusal, resultOfState } from './outcome.ts';

/** What a rail after the GSMA API must be told. */
export const GsmaRailSettings = Type.Object(
  {
    debitPartyKey: Type.Optional(
      Type.String({
        pattern: '^[a-z]{1,30}$',
        description: 'Kind of the debtor account: accountid (default), walletid, organisationid',
      }),
    ),
    checkAccounts: Type.Optional(
      Type.Boolean({
        description:
          'Ask about each account before a run; the API carries the number in the address of the request',
      }),
    ),
  },
  { additionalProperties: false },
);
type Settings = Static<typeof GsmaRailSettings>;

const client = ({ mediation, rail }: RailContext) => mediation.client(gsmaRail, rail.service);
const settingsOf = ({ rail }: RailContext): Settings => rail.settings as Settings;

const isAbsent = (error: unknown): boolean =>
  error instanceof CallFailed && error.status === 404 && error.mediatorError === undefined;

/** Follows the link to where the outcome of a request stands. */
async function follow(context: RailContext, reference: string, link: string): Promise<RailResult> {
  const [, kind = '', id = ''] = /\/(transactions|requeststates)\/([^/?#]{1,60})$/.exec(link) ?? [];
  const timeout = context.timeoutMs;
  if (kind === 'transactions') {
    const { body } = await client(context).getTransaction({
      params: { transactionReference: decodeURIComponent(id) },
      timeout,
    });
    return {
      reference,
      outcome: outcomeOfStatus(body.transactionStatus),
      railReference: body.transactionReference.slice(0, 50),
    };
  }
  if (kind === 'requeststates') {
    const { body } = await client(context).getRequestState({
      params: { serverCorrelationId: decodeURIComponent(id) },
      timeout,
    });
    return resultOfState(reference, body);
  }
  return { reference, outcome: 'unknown' };
}

/**
 * A mobile-money provider that speaks the GSMA Mobile Money API: each transfer is a disbursement of its own, whose
 * correlation id is our reference.
 */
export const gsma: RailAdapter = {
  largestBatch: 200,
  settings: GsmaRailSettings,
  signedNotices: false,
  callsInTurn: (transfers, concurrency) => Math.ceil(transfers / concurrency),
  async submit(context, { debtorAccount, currency, transfers }) {
    const { debitPartyKey = 'accountid' } = settingsOf(context);
    const silent: unknown[] = [];
    const results = await inParallel(
      transfers,
      context.rail.concurrency,
      async (transfer): Promise<RailResult> => {
        const { reference, address, amount, narration } = transfer;
        try {
          const answer = await client(context).postTransaction({
            timeout: context.timeoutMs,
            params: { transactionType: 'disbursement' },
            headers: {
              'x-correlationid': reference,
              'x-date': context.now().toISOString(),
              'x-callback-url': `${context.application}/payments-gsma-callback-v1/transactions`,
            },
            body: {
              amount,
              currency,
              debitParty: [{ key: debitPartyKey, value: debtorAccount }],
              creditParty: [{ key: 'msisdn', value: address }],
              requestingOrganisationTransactionReference: reference,
              ...(narration === undefined ? {} : { descriptionText: narration }),
            },
          });
          return answer.status === 202
            ? resultOfState(reference, answer.body)
            : {
                reference,
                outcome: outcomeOfStatus(answer.body.transactionStatus),
                railReference: answer.body.transactionReference.slice(0, 50),
              };
        } catch (error) {
          const result = resultOfRefusal(reference, error);
          if (result.outcome === 'unknown') silent.push(error);
          return result;
        }
      },
    );
    // A provider that answers nothing at all is left alone for a while.
    if (transfers.length > 0 && silent.length === transfers.length) throw silent[0];
    return results;
  },
  async status(context, references) {
    return inParallel(references, context.rail.concurrency, async (reference): Promise<RailResult> => {
      try {
        const { body } = await client(context).getResponse({
          params: { clientCorrelationId: reference },
          timeout: context.timeoutMs,
        });
        return await follow(context, reference, body.link).catch(
          (): RailResult => ({ reference, outcome: 'unknown' }),
        );
      } catch (error) {
        return { reference, outcome: isAbsent(error) ? 'not-received' : 'unknown' };
      }
    });
  },
  async validate(context, { accounts }) {
    if (settingsOf(context).checkAccounts !== true) return new Map();
    const reasons = await inParallel(accounts, context.rail.concurrency, async ({ reference, address }) => {
      try {
        const { body } = await client(context).getAccountStatus({
          params: { identifierType: 'msisdn', identifier: address },
          timeout: context.timeoutMs,
        });
        return body.accountStatus === 'available' ? undefined : ([reference, 'AccountUnavailable'] as const);
      } catch (error) {
        if (isAbsent(error)) return [reference, 'IdentifierError'] as const;
        throw error;
      }
    });
    return new Map(reasons.filter((reason) => reason !== undefined));
  },
};
