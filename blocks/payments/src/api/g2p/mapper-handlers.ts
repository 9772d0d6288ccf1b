import type { Caller, Handlers } from '@govstack/platform';
import { lookupPayees } from '../../mapper/lookup.ts';
import type { BeneficiaryRecord } from '../../mapper/record.ts';
import {
  type MapperOperation,
  mapperNotice,
  mapperOutcome,
  processMapperRequest,
} from '../../mapper/request.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSigned } from '../../signatures/verify.ts';
import { type Source, sourceOfCaller } from '../../sources/source.ts';
import { assertInstitution, assertSourceId, callbackOf, required } from './headers.ts';
import { type g2p, registerBeneficiary, updateBeneficiary } from './operations.ts';

interface WireBeneficiary {
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

interface Received {
  readonly caller: Caller;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Uint8Array | undefined;
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

/** The published account-mapper messages on the mapper's domain. */
export function mapperHandlers(payments: Payments): MapperHandlers {
  const source = (caller: Caller): Promise<Source> => sourceOfCaller(payments.db, caller.application);

  const process = async (
    operation: MapperOperation,
    { caller, headers, bytes }: Received,
    requestId: string,
    beneficiaries: readonly WireBeneficiary[],
    sourceId?: string,
  ) => {
    const own = await source(caller);
    await assertSigned(payments, own, operation === 'register' ? registerBeneficiary : updateBeneficiary, {
      caller,
      headers,
      bytes,
    });
    assertInstitution(own, headers);
    assertSourceId(own, sourceId);
    await processMapperRequest(payments, {
      source: own,
      operation,
      requestId,
      records: beneficiaries.map(toRecord),
      caller: caller.application,
      callback: callbackOf(own, headers),
    });
    const body = { responseCode: '00', responseDescription: 'Request taken over', requestID: requestId };
    return { status: 200 as const, body };
  };

  const result = async (operation: MapperOperation, caller: Caller, requestId: string) => {
    const own = await source(caller);
    const outcome = await mapperOutcome(payments, own.id, operation, requestId);
    return { status: 200 as const, body: mapperNotice(outcome) };
  };

  const lookup = async (caller: Caller, requestId: string, payees: readonly string[]) => {
    const own = await source(caller);
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
            ...(payee.institutionCode === undefined ? {} : { bankingInstitutionCode: payee.institutionCode }),
          })),
      },
    };
  };

  return {
    registerBeneficiary: ({ body, ...received }) =>
      process(
        'register',
        received,
        required('RequestID', body.RequestID, body.requestID),
        required('Beneficiaries', body.Beneficiaries, body.beneficiaries),
      ),
    updateBeneficiary: ({ body, ...received }) =>
      process(
        'update',
        received,
        required('requestID', body.requestID, body.RequestID),
        body.beneficiaries,
        body.sourceBBID,
      ),
    getRegistrationResult: ({ params, caller }) => result('register', caller, params.requestID),
    getUpdateResult: ({ params, caller }) => result('update', caller, params.requestID),
    async getBeneficiary({ query, caller, headers }) {
      assertInstitution(await source(caller), headers);
      return lookup(caller, query.requestId, [query.payeeIdentity]);
    },
    async listBeneficiaries({ body, caller, headers }) {
      assertInstitution(await source(caller), headers);
      return lookup(caller, body.requestId, body.payeePartyIds);
    },
  };
}
