import type { Caller, Handlers } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import { refreshPayees } from '../../mapper/directory/resolve.ts';
import { lookupPayees } from '../../mapper/lookup.ts';
import type { BeneficiaryRecord } from '../../mapper/record.ts';
import {
  type MapperOperation,
  type MapperOutcome,
  mapperNotice,
  mapperOutcome,
  processMapperRequest,
} from '../../mapper/request.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSigned } from '../../signatures/verify.ts';
import { type Source, sourceOfCaller } from '../../sources/source.ts';
import { assertInstitution, assertSourceId, callbackOf, required } from './headers.ts';
import { type g2p, listBeneficiaries, registerBeneficiary, updateBeneficiary } from './operations.ts';
import { bodyReader } from './read-body.ts';

export interface WireBeneficiary {
  readonly payeeIdentity: string;
  readonly PaymentModality?: string;
  readonly paymentModality?: string;
  readonly bankingInstitutionCode?: string;
  readonly FinancialAddress?: string;
  readonly financialAddress?: string;
  readonly status?: '0' | '1';
}

const toRecord = (wire: WireBeneficiary): BeneficiaryRecord => ({
  payeeIdentity: wire.payeeIdentity,
  modality: wire.paymentModality ?? wire.PaymentModality,
  institutionCode: wire.bankingInstitutionCode,
  financialAddress: wire.financialAddress ?? wire.FinancialAddress,
  // The file does not say which digit means what; 1 is taken as active, as implementations do.
  active: wire.status === undefined ? undefined : wire.status === '1',
});

/** What of a request does not stand in its body. */
export interface Received {
  readonly caller: Caller;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Uint8Array | undefined;
}

interface MapperMessage {
  readonly operation: MapperOperation;
  readonly requestId: string;
  readonly sourceId?: string | undefined;
  readonly beneficiaries: readonly WireBeneficiary[];
  /** Words the callback; the published message unless said otherwise. */
  readonly notice?: (outcome: MapperOutcome) => unknown;
}

type MapperHandlers = Pick<
  Handlers<typeof g2p.operations>,
  | 'registerBeneficiary'
  | 'updateBeneficiary'
  | 'getRegistrationResult'
  | 'getUpdateResult'
  | 'getBeneficiary'
  | 'listBeneficiaries'
>;

/** What dialects of the mapper have in common once a request is read. */
export function mapperCalls(payments: Payments) {
  const source = (caller: Caller): Promise<Source> => sourceOfCaller(payments.db, caller.application);
  return {
    source,
    /** Takes a signed or unsigned registration or update of the calling source over. */
    async take(spec: OperationSpec, received: Received, message: MapperMessage) {
      const own = await source(received.caller);
      await assertSigned(payments, own, spec, received);
      assertInstitution(own, received.headers);
      assertSourceId(own, message.sourceId);
      await processMapperRequest(payments, {
        source: own,
        operation: message.operation,
        requestId: message.requestId,
        records: message.beneficiaries.map(toRecord),
        caller: received.caller.application,
        callback: callbackOf(own, received.headers),
        ...(message.notice === undefined ? {} : { notice: message.notice }),
      });
      return {
        status: 200 as const,
        body: {
          responseCode: '00',
          responseDescription: 'Request taken over',
          requestID: message.requestId,
        },
      };
    },
    /** How payees of the calling source are to be paid. */
    async lookup({ caller, headers }: Omit<Received, 'bytes'>, requestId: string, payees: readonly string[]) {
      const own = await source(caller);
      assertInstitution(own, headers);
      await refreshPayees(payments, own.id, payees);
      const found = await lookupPayees(payments, own.id, payees);
      return {
        status: 200 as const,
        body: {
          requestId,
          paymentModalityList: found
            .filter((payee) => payee.active)
            .map((payee) => ({
              payeeIdentity: payee.payeeIdentity,
              paymentModality: payee.modality,
              ...(payee.maskedAddress === undefined ? {} : { financialAddress: payee.maskedAddress }),
              ...(payee.institutionCode === undefined
                ? {}
                : { bankingInstitutionCode: payee.institutionCode }),
            })),
        },
      };
    },
  };
}

const readRegistration = bodyReader(registerBeneficiary.body);
const readUpdate = bodyReader(updateBeneficiary.body);
const readLookup = bodyReader(listBeneficiaries.body);

/** The published account-mapper messages on the mapper's domain. */
export function mapperHandlers(payments: Payments): MapperHandlers {
  const calls = mapperCalls(payments);
  const result = async (operation: MapperOperation, caller: Caller, requestId: string) => {
    const own = await calls.source(caller);
    const outcome = await mapperOutcome(payments, own.id, operation, requestId);
    return { status: 200 as const, body: mapperNotice(outcome) };
  };

  return {
    registerBeneficiary({ body, ...received }) {
      const message = readRegistration(body);
      return calls.take(registerBeneficiary, received, {
        operation: 'register',
        requestId: required('RequestID', message.RequestID, message.requestID),
        beneficiaries: required('Beneficiaries', message.Beneficiaries, message.beneficiaries),
      });
    },
    updateBeneficiary({ body, ...received }) {
      const message = readUpdate(body);
      return calls.take(updateBeneficiary, received, {
        operation: 'update',
        requestId: required('requestID', message.requestID, message.RequestID),
        beneficiaries: message.beneficiaries,
        sourceId: message.sourceBBID,
      });
    },
    getRegistrationResult: ({ params, caller }) => result('register', caller, params.requestID),
    getUpdateResult: ({ params, caller }) => result('update', caller, params.requestID),
    getBeneficiary: ({ query, ...received }) =>
      calls.lookup(received, query.requestId, [query.payeeIdentity]),
    listBeneficiaries({ body, ...received }) {
      const message = readLookup(body);
      return calls.lookup(received, message.requestId, message.payeePartyIds);
    },
  };
}
