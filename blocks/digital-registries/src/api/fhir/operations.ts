import { defineOperation, defineSurface, type ErrorShape, Type } from '@govstack/platform/operation';
import { Ground } from '../shapes.ts';

const access = { caller: 'application', person: 'optional' } as const;
const fhir = ['application/fhir+json', 'application/json'] as const;
const mapping = Type.String({
  minLength: 1,
  maxLength: 60,
  description: 'Name of the mapping under which the owner offers a registry',
});
const params = Type.Object({ mapping });
const byId = Type.Object({ mapping, id: Type.String({ minLength: 1, maxLength: 64 }) });
const text = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }));
const dates = Type.Optional(Type.Array(Type.String({ minLength: 4, maxLength: 40 }), { maxItems: 4 }));
const Resource = Type.Record(Type.String(), Type.Unknown());
const token = Type.String({ maxLength: 8000 });

export const PatientSearch = Type.Object(
  {
    _id: text,
    identifier: Type.Optional(Type.String({ maxLength: 400, description: '`system|value`, or a value' })),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'How a name begins' })),
    family: text,
    given: text,
    birthdate: dates,
    gender: text,
    _lastUpdated: dates,
    _count: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    _page: Type.Optional(Type.Unsafe<string>({ ...token, description: 'A page of a search, from a link' })),
    _format: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
);

const issueCodes: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-long',
  415: 'not-supported',
};

/** Refusals as OperationOutcome. */
export const fhirErrors: ErrorShape = ({ status, detail, title, errors }) => {
  const code = issueCodes[status] ?? (status < 500 ? 'processing' : 'exception');
  const issue = (diagnostics: string) => ({ severity: 'error', code, diagnostics });
  return {
    status,
    headers: { 'content-type': 'application/fhir+json; charset=utf-8' },
    body: {
      resourceType: 'OperationOutcome',
      issue:
        errors && errors.length > 0
          ? errors.map((one) => issue(`${one.in ?? ''}${one.pointer} ${one.detail}`))
          : [issue(detail ?? title)],
    },
  };
};

const common = { access, produces: fhir, responses: { 200: Resource } } as const;

/** Registries of people for health systems: HL7 FHIR R4, read only. `…/{application}/fhir-r4-v1/{mapping}` is the base. */
export const fhirApi = defineSurface({
  name: 'fhir-r4-v1',
  title: 'Registries of people as FHIR R4 patients',
  version: '1.0.0',
  errorShape: fhirErrors,
  operations: {
    capabilities: defineOperation({
      ...common,
      id: 'capabilities',
      method: 'GET',
      path: '/{mapping}/metadata',
      summary: 'What can be asked here (CapabilityStatement)',
      params,
    }),
    readPatient: defineOperation({
      ...common,
      id: 'readPatient',
      method: 'GET',
      path: '/{mapping}/Patient/{id}',
      summary: 'A patient',
      params: byId,
      headers: Ground,
    }),
    searchPatients: defineOperation({
      ...common,
      id: 'searchPatients',
      method: 'GET',
      path: '/{mapping}/Patient',
      summary: 'Patients that match, by pages (Bundle)',
      params,
      headers: Ground,
      query: PatientSearch,
    }),
    searchPatientsByForm: defineOperation({
      ...common,
      id: 'searchPatientsByForm',
      method: 'POST',
      path: '/{mapping}/Patient/_search',
      summary: 'The same, with nothing about people in the address',
      params,
      headers: Ground,
      consumes: ['application/x-www-form-urlencoded'],
      body: PatientSearch,
    }),
    matchPatients: defineOperation({
      ...common,
      id: 'matchPatients',
      method: 'POST',
      path: '/{mapping}/Patient/$match',
      summary: 'Patients that may be the one described, with how sure that is (IHE PDQm)',
      params,
      headers: Ground,
      consumes: fhir,
      body: Type.Object({
        resourceType: Type.Literal('Parameters'),
        parameter: Type.Array(
          Type.Object({
            name: Type.String({ maxLength: 60 }),
            resource: Type.Optional(Resource),
            valueInteger: Type.Optional(Type.Integer()),
            valueBoolean: Type.Optional(Type.Boolean()),
          }),
          { minItems: 1, maxItems: 10 },
        ),
      }),
    }),
    readRelatedPerson: defineOperation({
      ...common,
      id: 'readRelatedPerson',
      method: 'GET',
      path: '/{mapping}/RelatedPerson/{id}',
      summary: 'The mother of a patient; the id is the patient’s',
      params: byId,
      headers: Ground,
    }),
    searchRelatedPersons: defineOperation({
      ...common,
      id: 'searchRelatedPersons',
      method: 'GET',
      path: '/{mapping}/RelatedPerson',
      summary: 'The mother of a patient, or the children of a mother (Bundle)',
      params,
      headers: Ground,
      query: Type.Object(
        {
          patient: Type.Optional(Type.String({ maxLength: 100, description: '`Patient/{id}` or the id' })),
          identifier: Type.Optional(
            Type.String({ maxLength: 400, description: 'Of the mother: `system|value`, or a value' }),
          ),
          _format: Type.Optional(Type.String({ maxLength: 100 })),
        },
        { additionalProperties: false },
      ),
    }),
  },
});
