import type { Mapping } from '../api/mappings/document.ts';

const searchTypes = { family: 'string', given: 'string', birthdate: 'date', gender: 'token' } as const;

/** What can be asked of a registry of patients (CapabilityStatement, FHIR R4). */
export function capabilitiesOf(fhir: NonNullable<Mapping['fhir']>, now: Date): Record<string, unknown> {
  const mapped = Object.keys(fhir.patient.search) as (keyof typeof searchTypes)[];
  const parameter = (name: string, type: string) => ({ name, type });
  const named = mapped.includes('family') || mapped.includes('given');
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: now.toISOString().slice(0, 10),
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json'],
    implementation: { description: 'A registry of people, read only' },
    rest: [
      {
        mode: 'server',
        resource: [
          {
            type: 'Patient',
            interaction: [{ code: 'read' }, { code: 'search-type' }],
            searchParam: [
              parameter('_id', 'token'),
              parameter('_lastUpdated', 'date'),
              parameter('identifier', 'token'),
              ...(named ? [parameter('name', 'string')] : []),
              ...mapped.map((name) => parameter(name, searchTypes[name])),
            ],
            operation: [
              { name: 'match', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-match' },
            ],
          },
          ...(fhir.mother
            ? [
                {
                  type: 'RelatedPerson',
                  interaction: [{ code: 'read' }, { code: 'search-type' }],
                  searchParam: [parameter('patient', 'reference'), parameter('identifier', 'token')],
                },
              ]
            : []),
        ],
      },
    ],
  };
}
