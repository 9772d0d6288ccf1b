import { defineEvent, defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const application = { caller: 'application', person: 'optional' } as const;
const Id = Type.String({ minLength: 1, maxLength: 100 });
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Nullable = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

export const Policy = Type.Object({
  id: Type.Optional(Type.String()),
  name: text(200),
  version: text(50),
  url: Type.String({ format: 'uri', maxLength: 1000 }),
  jurisdiction: Type.Optional(text(200)),
  industrySector: Type.Optional(text(200)),
  dataRetentionPeriodDays: Type.Optional(Type.Integer({ minimum: 0 })),
  geographicRestriction: Type.Optional(text(200)),
  storageLocation: Type.Optional(text(200)),
});

const Attribute = Type.Object({
  id: Type.Optional(Type.String()),
  name: text(200),
  sensitivity: Type.Optional(Type.Boolean()),
  category: Type.Optional(text(200)),
});

/** Texts shown to the person, by language tag. */
const ByLanguage = Type.Record(
  Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]+)*$' }),
  Type.String({ maxLength: 4000 }),
);

export const DataAgreement = Type.Object({
  id: Type.Optional(Type.String()),
  version: text(50),
  purpose: text(500),
  purposeText: Type.Optional(ByLanguage),
  lawfulBasis: Type.String({
    pattern: '^([Cc]onsent|legal_obligation|contract|vital_interest|public_task|legitimate_interest)$',
  }),
  dpia: text(1000),
  controller: Type.Optional(
    Type.Object({ id: Type.Optional(Type.String()), name: text(200), url: Type.String({ maxLength: 1000 }) }),
  ),
  policyId: Type.Optional(Type.String({ format: 'uuid', description: 'Policy this agreement is under' })),
  policy: Type.Optional(Policy),
  dataUse: Nullable(Type.Union([Type.Literal('data_source'), Type.Literal('data_using_service')])),
  active: Type.Optional(Type.Boolean()),
  forgettable: Type.Optional(Type.Boolean()),
  compatibleWithVersion: Type.Optional(Type.String({ maxLength: 50 })),
  lifecycle: Type.Optional(Type.Object({ id: Type.Optional(Type.String()), name: text(50) })),
  dataAttributes: Type.Optional(Type.Array(Attribute, { maxItems: 200 })),
});

export const Individual = Type.Object({
  id: Type.Optional(Type.String()),
  externalId: Nullable(Type.String({ minLength: 1, maxLength: 200 })),
  externalIdType: Nullable(Type.String({ minLength: 1, maxLength: 100 })),
  identityProviderId: Nullable(Type.String({ minLength: 1, maxLength: 200 })),
});

export const Revision = Type.Object({
  id: Type.String(),
  schemaName: Type.String(),
  objectId: Type.String(),
  signedWithoutObjectId: Type.Boolean(),
  timestamp: Type.String(),
  authorizedByIndividual: Type.Union([Type.String(), Type.Null()]),
  authorizedByOther: Type.String(),
  successor: Type.Union([Type.String(), Type.Null()]),
  predecessorHash: Type.Union([Type.String(), Type.Null()]),
  predecessorSignature: Type.Union([Type.String(), Type.Null()]),
  serializedSnapshot: Type.String(),
  serializedHash: Type.String({ description: 'SHA-1, as published' }),
  serializedHashSha256: Type.String(),
  blockSignature: Type.String({ description: 'Compact JWS (ES256) of this block over the SHA-256 hash' }),
});

export const Signature = Type.Object({
  id: Type.Optional(Type.String()),
  payload: Type.String({ maxLength: 100_000 }),
  signature: Type.String({ maxLength: 20_000 }),
  verificationMethod: Type.String({ maxLength: 100 }),
  verificationPayload: Type.String({ maxLength: 100_000 }),
  verificationPayloadHash: Type.String({ maxLength: 200 }),
  verificationSignedBy: Type.String({ maxLength: 4000 }),
  verificationSignedAs: Type.Optional(Type.Union([Type.Literal('individual'), Type.Literal('delegate')])),
  signedWithoutObjectReference: Type.Optional(Type.Boolean()),
  objectType: Type.Optional(Type.String()),
  objectReference: Nullable(Type.String()),
  timestamp: Type.Optional(Type.String()),
});

export const ConsentRecord = Type.Object({
  id: Type.Optional(Type.String()),
  dataAgreementId: Type.String(),
  dataAgreementRevisionId: Type.String(),
  dataAgreementRevisionHash: Type.String(),
  individualId: Type.String(),
  optIn: Type.Boolean(),
  state: Type.Union([
    Type.Literal('unsigned'),
    Type.Literal('pending more signatures'),
    Type.Literal('signed'),
  ]),
  signatureId: Nullable(Type.String()),
  updatedAt: Type.Optional(Type.String()),
  effective: Type.Optional(Type.Boolean({ description: 'Processing under this record is allowed now' })),
});

const page = {
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
};
const individualHeader = Type.Object({
  'x-consentbb-individualid': Type.Optional(
    Type.String({ description: 'Individual on whose behalf the application asks' }),
  ),
});

const policyAnswer = Type.Object({ policy: Policy, revision: Revision });
const agreementAnswer = Type.Object({ dataAgreement: DataAgreement, revision: Revision });
const recordAnswer = Type.Object({ consentRecord: ConsentRecord, revision: Revision });

/** The published API of the consent building block (configuration, service, audit). */
export const consentApi = defineSurface({
  name: 'consent-v1',
  title: 'Consent building block',
  version: '1.1.0',
  // The document knows 200 and 400; an unknown object is a 400 here, not a 404.
  errorShape: (problem) => ({ status: problem.status === 404 ? 400 : problem.status, body: problem }),
  operations: {
    createPolicy: defineOperation({
      id: 'createPolicy',
      method: 'POST',
      path: '/config/policy/',
      summary: 'Create a policy',
      requirements: ['CON-8.1-a'],
      access: application,
      idempotent: true,
      body: Type.Object({ policy: Policy }),
      responses: { 200: policyAnswer },
    }),
    readPolicy: defineOperation({
      id: 'readPolicy',
      method: 'GET',
      path: '/config/policy/{policyId}/',
      summary: 'Read a policy, its latest or a named revision',
      access: application,
      params: Type.Object({ policyId: Id }),
      query: Type.Object({ revisionId: Type.Optional(Id) }),
      responses: { 200: policyAnswer },
    }),
    updatePolicy: defineOperation({
      id: 'updatePolicy',
      method: 'PUT',
      path: '/config/policy/{policyId}/',
      summary: 'Update a policy; agreements keep the revision they refer to',
      requirements: ['CON-8.1-b'],
      access: application,
      params: Type.Object({ policyId: Id }),
      body: Type.Object({ policy: Policy }),
      responses: { 200: policyAnswer },
    }),
    deletePolicy: defineOperation({
      id: 'deletePolicy',
      method: 'DELETE',
      path: '/config/policy/{policyId}/',
      summary: 'Delete a policy that no active agreement uses',
      requirements: ['CON-8.1-c'],
      access: application,
      params: Type.Object({ policyId: Id }),
      responses: { 200: Type.Object({ revision: Revision }) },
    }),
    listPolicies: defineOperation({
      id: 'listPolicies',
      method: 'GET',
      path: '/config/policies/',
      summary: 'List policies',
      access: application,
      query: Type.Object(page),
      responses: { 200: Type.Object({ policies: Type.Array(Policy) }) },
    }),
    createDataAgreement: defineOperation({
      id: 'createDataAgreement',
      method: 'POST',
      path: '/config/data-agreement/',
      summary: 'Create a data agreement',
      requirements: ['CON-8.1-d', 'CON-6.1-a'],
      access: application,
      idempotent: true,
      body: Type.Object({ dataAgreement: DataAgreement }),
      responses: { 200: agreementAnswer },
    }),
    readDataAgreement: defineOperation({
      id: 'readDataAgreement',
      method: 'GET',
      path: '/config/data-agreement/{dataAgreementId}/',
      summary: 'Read a data agreement',
      access: application,
      params: Type.Object({ dataAgreementId: Id }),
      responses: { 200: agreementAnswer },
    }),
    updateDataAgreement: defineOperation({
      id: 'updateDataAgreement',
      method: 'PUT',
      path: '/config/data-agreement/{dataAgreementId}/',
      summary: 'Update a data agreement; a new revision arises',
      requirements: ['CON-6.1-b', 'CON-6.1-d'],
      access: application,
      params: Type.Object({ dataAgreementId: Id }),
      body: Type.Object({ dataAgreement: DataAgreement }),
      responses: { 200: agreementAnswer },
    }),
    deleteDataAgreement: defineOperation({
      id: 'deleteDataAgreement',
      method: 'DELETE',
      path: '/config/data-agreement/{dataAgreementId}/',
      summary: 'Terminate a data agreement; no further consent can be recorded',
      requirements: ['CON-6.1-e'],
      access: application,
      params: Type.Object({ dataAgreementId: Id }),
      responses: { 200: Type.Object({ revision: Revision }) },
    }),
    listDataAgreements: defineOperation({
      id: 'listDataAgreements',
      method: 'GET',
      path: '/config/data-agreements/',
      summary: 'List data agreements',
      access: application,
      query: Type.Object(page),
      responses: {
        200: Type.Object({
          dataAgreement: Type.Array(DataAgreement),
          dataAgreements: Type.Array(DataAgreement),
        }),
      },
    }),
    createIndividual: defineOperation({
      id: 'createIndividual',
      method: 'POST',
      path: '/service/individual/',
      summary: 'Register a shallow pointer to a person',
      requirements: ['CON-8.2-a'],
      access: application,
      body: Type.Object({ individual: Individual }),
      responses: { 200: Type.Object({ individual: Individual }) },
    }),
    listIndividuals: defineOperation({
      id: 'listIndividuals',
      method: 'GET',
      path: '/service/individuals/',
      summary: 'Find individuals by external (pseudonymous) id',
      access: application,
      query: Type.Object({ ...page, externalId: Id, externalIdType: Type.Optional(Id) }),
      responses: { 200: Type.Object({ individuals: Type.Array(Individual) }) },
    }),
    serviceReadDataAgreement: defineOperation({
      id: 'serviceReadDataAgreement',
      method: 'GET',
      path: '/service/data-agreement/{dataAgreementId}/',
      summary: 'What the person is asked to agree to',
      requirements: ['CON-6.2-a', 'CON-8.2-b'],
      access: application,
      params: Type.Object({ dataAgreementId: Id }),
      responses: { 200: agreementAnswer },
    }),
    draftConsentRecord: defineOperation({
      id: 'draftConsentRecord',
      method: 'POST',
      path: '/service/individual/record/consent-record/draft/',
      summary: 'A record and a signature to fill in; nothing is stored',
      requirements: ['CON-8.2-d'],
      access: application,
      query: Type.Object({ individualId: Id, dataAgreementId: Id, revisionId: Type.Optional(Id) }),
      responses: { 200: Type.Object({ consentRecord: ConsentRecord, signature: Signature }) },
    }),
    createConsentRecord: defineOperation({
      id: 'createConsentRecord',
      method: 'POST',
      path: '/service/individual/record/consent-record/',
      summary: 'Submit a signed record: record, revision and signature are stored together',
      requirements: ['CON-8.2-e', 'CON-9.3-a'],
      access: application,
      body: Type.Object({ consentRecord: ConsentRecord, signature: Signature }),
      responses: {
        200: Type.Object({ consentRecord: ConsentRecord, revision: Revision, signature: Signature }),
      },
    }),
    listConsentRecords: defineOperation({
      id: 'listConsentRecords',
      method: 'GET',
      path: '/service/individual/record/consent-record/',
      summary: 'The current record of each agreement of an individual',
      requirements: ['CON-8.2-i', 'CON-4.4-b'],
      access: application,
      headers: individualHeader,
      query: Type.Object(page),
      responses: { 200: Type.Object({ consentRecords: Type.Array(ConsentRecord) }) },
    }),
    updateConsentRecord: defineOperation({
      id: 'updateConsentRecord',
      method: 'PUT',
      path: '/service/individual/record/consent-record/{consentRecordId}/',
      summary: 'Opt out of, or opt in again to, what was agreed',
      requirements: ['CON-8.2-g', 'CON-6.2-c'],
      access: application,
      params: Type.Object({ consentRecordId: Id }),
      body: Type.Object({ consentRecord: ConsentRecord }),
      responses: { 200: recordAnswer },
    }),
    createUnsignedConsentRecord: defineOperation({
      id: 'createUnsignedConsentRecord',
      method: 'POST',
      path: '/service/individual/record/data-agreement/{dataAgreementId}/',
      summary: 'Record consent without a signature',
      requirements: ['CON-8.2-f'],
      access: application,
      params: Type.Object({ dataAgreementId: Id }),
      query: Type.Object({ individualId: Id, revisionId: Type.Optional(Id) }),
      responses: { 200: recordAnswer },
    }),
    verifyConsentRecord: defineOperation({
      id: 'verifyConsentRecord',
      method: 'GET',
      path: '/service/verification/consent-record/{consentRecordId}/',
      summary: 'May data be processed under this record now?',
      requirements: ['CON-4.4-a', 'CON-8.2-c', 'CON-9.4-b'],
      access: application,
      params: Type.Object({ consentRecordId: Id }),
      responses: { 200: recordAnswer },
    }),
    verifyConsentRecords: defineOperation({
      id: 'verifyConsentRecords',
      method: 'GET',
      path: '/service/verification/consent-records/',
      summary: 'Latest records of an individual, by agreement',
      requirements: ['CON-9.4-a'],
      access: application,
      query: Type.Object({ ...page, individualId: Id, dataAgreementId: Type.Optional(Id) }),
      responses: { 200: Type.Object({ consentRecords: Type.Array(ConsentRecord) }) },
    }),
    auditConsentRecord: defineOperation({
      id: 'auditConsentRecord',
      method: 'GET',
      path: '/audit/consent-record/{consentRecordId}/',
      summary: 'A record with all its revisions, and whether hashes and signatures hold',
      requirements: ['CON-8.3-a', 'CON-4.3-d'],
      access: { caller: 'application', person: 'required', roles: ['auditor'] },
      params: Type.Object({ consentRecordId: Id }),
      responses: {
        200: Type.Object({
          consentRecord: ConsentRecord,
          revisions: Type.Array(Revision),
          intact: Type.Boolean(),
        }),
      },
    }),
  },
});

export const consentGiven = defineEvent({
  type: 'consent.given.v1',
  summary: 'An individual agreed',
  data: Type.Object({ consentRecordId: Type.String(), dataAgreementId: Type.String() }),
});
export const consentWithdrawn = defineEvent({
  type: 'consent.withdrawn.v1',
  summary: 'An individual opted out',
  data: Type.Object({ consentRecordId: Type.String(), dataAgreementId: Type.String() }),
});
