import {
  applicationOf,
  type Caller,
  type ImplementedSurface,
  implement,
  notFound,
  type Person,
} from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { DataMethod } from '../../access/access.ts';
import { capabilitiesOf } from '../../fhir/capabilities.ts';
import { type Fhir, openPatients, readPatient } from '../../fhir/fhir.ts';
import { matchPatients } from '../../fhir/match.ts';
import { readMother, searchMothers } from '../../fhir/related.ts';
import { searchPatients } from '../../fhir/search.ts';
import { readMapping } from '../../mapping/store.ts';
import type { Ground } from '../shapes.ts';
import { fhirApi } from './operations.ts';

interface Asked {
  readonly params: { readonly mapping: string };
  readonly headers: Static<typeof Ground>;
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** The surface of FHIR: who may, then one call of the FHIR room. */
export function serveFhir(fhir: Fhir): ImplementedSurface {
  const open = ({ params, headers, caller, person }: Asked, method: DataMethod) =>
    openPatients(
      fhir,
      applicationOf(caller.service),
      params.mapping,
      {
        caller,
        person,
        ground: {
          purpose: headers['x-purpose'],
          consentReference: headers['x-consent-reference'],
          legalGround: headers['x-legal-ground'],
        },
      },
      method,
    );
  return implement(fhirApi, {
    async capabilities({ params, caller }) {
      const mapping = await readMapping(fhir.db, applicationOf(caller.service), params.mapping);
      if (!mapping.fhir) throw notFound('A registry of patients');
      return { status: 200, body: capabilitiesOf(mapping.fhir, fhir.now()) };
    },
    async readPatient(asked) {
      const resource = await readPatient(fhir, await open(asked, 'read'), asked.params.id);
      const { versionId } = resource.meta as { readonly versionId: string };
      return { status: 200, body: resource, headers: { etag: `W/"${versionId}"` } };
    },
    async searchPatients(asked) {
      return { status: 200, body: await searchPatients(fhir, await open(asked, 'list'), asked.query) };
    },
    async searchPatientsByForm(asked) {
      return { status: 200, body: await searchPatients(fhir, await open(asked, 'list'), asked.body) };
    },
    async matchPatients(asked) {
      const { parameter } = asked.body;
      const named = (name: string) => parameter.find((one) => one.name === name);
      const body = await matchPatients(fhir, await open(asked, 'list'), {
        resource: named('resource')?.resource,
        count: named('count')?.valueInteger,
        onlyCertainMatches: named('onlyCertainMatches')?.valueBoolean ?? false,
      });
      return { status: 200, body };
    },
    async readRelatedPerson(asked) {
      return { status: 200, body: await readMother(fhir, await open(asked, 'read'), asked.params.id) };
    },
    async searchRelatedPersons(asked) {
      const { patient, identifier } = asked.query;
      const body = await searchMothers(fhir, await open(asked, 'list'), {
        ...(patient === undefined ? {} : { patient }),
        ...(identifier === undefined ? {} : { identifier }),
      });
      return { status: 200, body };
    },
  });
}
