import { badRequest, type Handlers } from '@govstack/platform';
import { type MapperOutcome, mapperNotice } from '../../mapper/request.ts';
import type { Payments } from '../../payments-context.ts';
import { batchHandlers, transactionPointer } from '../g2p/batch-handlers.ts';
import { mapperCalls } from '../g2p/mapper-handlers.ts';
import { bodyReader } from '../g2p/read-body.ts';
import { takeBatch, toInstructions } from '../g2p/take-batch.ts';
import { fileOf, readUpload } from './csv.ts';
import { Lookup, phee, Registration, Update } from './operations.ts';

const { registerPayees, updateOrLookUpPayees, handOverBatch } = phee.operations;
const readRegistration = bodyReader(Registration);
const readUpdate = bodyReader(Update);
const readLookup = bodyReader(Lookup);
const readTransactions = bodyReader(handOverBatch.body);

/** These clients know the answer to a request by `requestId`. */
const notice = (outcome: MapperOutcome) => ({ requestId: outcome.requestId, ...mapperNotice(outcome) });

const isLookup = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  Object.keys(body).some((name) => name.toLowerCase() === 'payeepartyids');

/** The messages of Payment Hub EE on the same domain as the published ones. */
export function pheeHandlers(payments: Payments): Handlers<typeof phee.operations> {
  const mapper = mapperCalls(payments);
  const batches = batchHandlers(payments);
  return {
    registerPayees({ body, ...received }) {
      const message = readRegistration(body);
      return mapper.take(registerPayees, received, {
        operation: 'register',
        requestId: message.requestID,
        beneficiaries: message.beneficiaries,
        sourceId: message.sourceBBID,
        notice,
      });
    },
    async updateOrLookUpPayees({ body, ...received }) {
      if (isLookup(body)) {
        const { requestId, payeePartyIds } = readLookup(body);
        return mapper.lookup(received, requestId, payeePartyIds);
      }
      const message = readUpdate(body);
      return mapper.take(updateOrLookUpPayees, received, {
        operation: 'update',
        requestId: message.requestID,
        beneficiaries: message.beneficiaries,
        sourceId: message.sourceBBID,
        notice,
      });
    },
    lookUpPayee: ({ query, ...received }) => mapper.lookup(received, query.requestId, [query.payeeIdentity]),

    async handOverBatch({ body, query, headers, ...received }) {
      const batchId = headers['x-correlationid'] ?? headers['x-client-correlation-id'];
      if (batchId === undefined) throw badRequest('X-CorrelationID must name the batch');
      const kind = query.type ?? headers.type;
      const file = body instanceof Uint8Array;
      if (kind !== undefined && (kind === 'csv') !== file)
        throw badRequest('type and media type do not go together: raw is JSON, csv a file');
      const type = (headers as { readonly 'content-type'?: string })['content-type'] ?? '';
      // What the rows name is known only when they are read, and they are read only when the signature is right.
      let programmeId = headers['x-program-id'];
      const { id } = await takeBatch(payments, {
        ...received,
        spec: handOverBatch,
        headers,
        batchId,
        programmeId: () => programmeId,
        pointer: transactionPointer,
        async read() {
          if (!file) return toInstructions(readTransactions(body));
          const upload = await readUpload(await fileOf(type, body), payments.config.maximumInstructions);
          programmeId ??= upload.programmeId;
          return upload.instructions;
        },
      });
      return { status: 202, body: { batchId: id, PollingPath: `/api/v1/batch?batchId=${id}` } };
    },
    batchSummary: (input) => batches.getBatchStatus(input as Parameters<typeof batches.getBatchStatus>[0]),
    batchDetail: (input) => batches.getBatchDetails(input as Parameters<typeof batches.getBatchDetails>[0]),
  };
}
