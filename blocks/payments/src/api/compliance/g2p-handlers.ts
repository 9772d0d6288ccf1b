import { compileValidator, type ImplementedSurface, implement, notFound, Problem } from '@govstack/platform';
import type { Static, TSchema } from '@govstack/platform/operation';
import { checkInstructions } from '../../batches/instruction-input.ts';
import { handOver } from '../../batches/intake.ts';
import { validationNotice } from '../../batches/notices.ts';
import { type CallbackTarget, callbackTarget } from '../../callbacks/target.ts';
import { type MapperOperation, processMapperRequest } from '../../mapper/request.ts';
import type { Payments } from '../../payments-context.ts';
import { programmeFor } from '../../sources/programme.ts';
import { readSource, type Source } from '../../sources/source.ts';
import { suiteMessages } from './g2p-messages.ts';
import { g2pSuite } from './g2p-operations.ts';

const requestIdOf = (body: unknown): string => {
  const id =
    typeof body === 'object' && body !== null && 'RequestID' in body
      ? (body as { RequestID: unknown }).RequestID
      : '';
  return typeof id === 'string' ? id.slice(0, 36) : '';
};

const answer = (ResponseCode: '00' | '01', description: string, RequestID: string) => ({
  ResponseCode,
  ResponseDescription: description.slice(0, 200),
  RequestID,
});
const taken = (body: unknown) => ({
  status: 200 as const,
  body: answer('00', 'Request taken over', requestIdOf(body)),
});

/** What is wrong with a request, in the suite's words; a fault of ours stays one. */
function refusal(error: unknown, body: unknown) {
  if (!(error instanceof Problem) || error.status >= 500) throw error;
  const [first] = error.errors ?? [];
  return answer('01', first ? `${first.pointer} ${first.detail}` : error.message, requestIdOf(body));
}

/** Checks bodies of one message. */
function reader<S extends TSchema>(schema: S): (body: unknown) => Static<S> {
  const validate = compileValidator(schema, 'body', false);
  return (body) => {
    const errors = validate(body);
    if (errors) throw new Problem(400, 'The request is not valid', { errors });
    return body as Static<S>;
  };
}

/** Answers the compliance suite. The source a message names is taken for its sender: the mediator is what is left out. */
export function answerG2pSuite(payments: Payments): ImplementedSurface {
  const { db } = payments;
  const messages = suiteMessages(payments.config.lenientSuiteIds);
  const readMapping = reader(messages.mapping);
  const readValidation = reader(messages.validation);
  const readPayment = reader(messages.payment);
  const readOutcome = reader(messages.outcome);

  const sender = async (id: string): Promise<Source> => {
    const source = await readSource(db, id);
    if (!source.active) throw notFound('Source');
    return source;
  };
  /** The optional header is tolerated whatever it says; only a place the source may name is told anything. */
  const callbackOf = (
    source: Source,
    headers: Readonly<Record<string, unknown>>,
  ): CallbackTarget | undefined => {
    const wanted = headers['x-callback-url'];
    try {
      return callbackTarget(source, typeof wanted === 'string' ? wanted : undefined);
    } catch {
      return undefined;
    }
  };

  const map = async (operation: MapperOperation, body: unknown, headers: object) => {
    try {
      const message = readMapping(body);
      const source = await sender(message.SourceBBID);
      await processMapperRequest(payments, {
        source,
        operation,
        requestId: message.RequestID,
        records: message.Beneficiaries.map((one) => ({
          payeeIdentity: one.PayeeFunctionalID,
          modality: one.PaymentModality,
          institutionCode: undefined,
          financialAddress: one.FinancialAddress,
          active: undefined,
        })),
        caller: source.application,
        callback: callbackOf(source, headers as never),
      });
      return taken(body);
    } catch (error) {
      return { status: 400 as const, body: refusal(error, body) };
    }
  };

  const take = async (
    purpose: 'payment' | 'validation',
    message: Static<typeof messages.payment>,
    headers: object,
  ): Promise<void> => {
    const source = await sender(message.SourceBBID);
    const batch = checkInstructions(
      message.CreditInstructions.map((one) => ({
        clientId: one.InstructionID,
        payeeIdentity: one.PayeeFunctionalID,
        amount: one.Amount,
        currency: one.Currency,
        narration: one.Narration ?? undefined,
        retryOf: undefined,
      })),
      {
        currencies: payments.currencies,
        most: payments.config.maximumInstructions,
        pointer: (index) => `/CreditInstructions/${index}`,
      },
    );
    await handOver(payments, {
      purpose,
      source,
      programme: await programmeFor(db, source.id, undefined),
      clientBatchId: message.BatchID,
      requestId: message.RequestID,
      batch,
      makerApplication: source.application,
      makerPerson: undefined,
      callback: callbackOf(source, headers as never),
      notBefore: undefined,
    });
  };

  return implement(g2pSuite, {
    healthcheck: async () => ({ status: 200, body: { status: 'ok' } }),
    registerSuiteBeneficiary: ({ body, headers }) => map('register', body, headers),
    updateSuiteBeneficiary: ({ body, headers }) => map('update', body, headers),
    async validateSuitePayments({ body, headers }) {
      try {
        await take('validation', readValidation(body), headers);
        return taken(body);
      } catch (error) {
        return { status: 200, body: refusal(error, body) };
      }
    },
    async getSuiteValidation({ body }) {
      try {
        const message = readOutcome(body);
        const batch = await db
          .selectFrom('batch')
          .selectAll()
          .where('purpose', '=', 'validation')
          .where('client_batch_id', '=', message.Source_BatchID)
          .where('request_id', '=', message.RequestID)
          .orderBy('id')
          .executeTakeFirst();
        if (!batch) throw notFound('Validation');
        const notice = batch.state === 'validated' ? await validationNotice(db, batch) : undefined;
        return {
          status: 200,
          body: {
            ...message,
            ...(notice === undefined
              ? {}
              : {
                  NumberFailedCases: notice.numberFailedCases,
                  FailedAccounts: notice.failedAccounts.map((one) => ({
                    InstructionID: one.instructionID,
                    FailureReason: one.failureReason,
                  })),
                }),
          },
        };
      } catch (error) {
        return { status: 400, body: refusal(error, body) };
      }
    },
    async paySuiteBatch({ body, headers }) {
      try {
        await take('payment', readPayment(body), headers);
        return taken(body);
      } catch (error) {
        return { status: 400, body: refusal(error, body) };
      }
    },
  });
}
