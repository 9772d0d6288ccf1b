import { CallFailed, notFound } from '@govstack/platform';
import type { Backend, ConsentGiven, Viewer } from '../backend.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';
import type { RegisteredService } from './sheet.ts';

type Consent = ReturnType<Clients['consentOf']>;
type Consents = Pick<Backend, 'agreement' | 'giveConsent' | 'consents' | 'withdrawConsent'> & {
  /** The record under which an application may be submitted now. */
  effectiveRecord(viewer: Viewer, service: RegisteredService): Promise<string | undefined>;
};

const externalIdType = 'person';

async function findIndividual(consent: Consent, person: string): Promise<string | undefined> {
  const query = { externalId: person, externalIdType };
  return (await consent.listIndividuals({ query })).body.individuals[0]?.id;
}

/** The person's pseudonymous entry at the consent block, made on first use. */
async function ensureIndividual(consent: Consent, person: string): Promise<string> {
  const existing = await findIndividual(consent, person);
  if (existing !== undefined) return existing;
  const individual = { externalId: person, externalIdType, identityProviderId: 'portal' };
  try {
    return (await consent.createIndividual({ body: { individual } })).body.individual.id as string;
  } catch (error) {
    // Another request of the same person was first.
    const found =
      error instanceof CallFailed && error.status === 400 && (await findIndividual(consent, person));
    if (found) return found;
    throw error;
  }
}

/** Consent through the consent block, in the name of each service's application. */
export function createConsents(clients: Clients, catalogue: Catalogue, names: Names): Consents {
  const recordsOf = async (viewer: Viewer, owner: string) => {
    const consent = clients.consentOf(owner);
    const individualId = await findIndividual(consent, viewer.id);
    if (individualId === undefined) return [];
    const headers = { 'x-consentbb-individualid': individualId };
    return (await consent.listConsentRecords({ headers, query: { limit: 100 } })).body.consentRecords;
  };
  const agreementOf = async (service: RegisteredService) => {
    if (service.consent === null) return undefined;
    const params = { dataAgreementId: service.consent.dataAgreementId };
    return (await clients.consentOf(service.owner).serviceReadDataAgreement({ params })).body;
  };
  const withConsent = async (): Promise<readonly RegisteredService[]> =>
    (await catalogue.all()).filter((service) => service.consent !== null);

  const effectiveRecord: Consents['effectiveRecord'] = async (viewer, service) =>
    (await recordsOf(viewer, service.owner)).find(
      (record) =>
        record.dataAgreementId === service.consent?.dataAgreementId &&
        record.optIn &&
        record.effective !== false,
    )?.id;

  return {
    effectiveRecord,
    async agreement(viewer, serviceCode) {
      const service = await catalogue.byCode(serviceCode);
      const found = await agreementOf(service);
      if (!found) return undefined;
      const { dataAgreement, revision } = found;
      return {
        id: service.consent?.dataAgreementId as string,
        revisionId: revision.id,
        controller: names.member(service.owner),
        purpose: dataAgreement.purposeText ?? dataAgreement.purpose,
        lawfulBasis: dataAgreement.lawfulBasis,
        attributes: (dataAgreement.dataAttributes ?? []).map((attribute) => ({
          name: attribute.name,
          ...(attribute.category === undefined ? {} : { source: attribute.category }),
        })),
        ...(dataAgreement.policy ? { policyUrl: dataAgreement.policy.url } : {}),
        given: (await effectiveRecord(viewer, service)) !== undefined,
      };
    },
    async giveConsent(viewer, agreement) {
      const service = (await withConsent()).find((one) => one.consent?.dataAgreementId === agreement.id);
      if (!service) throw notFound('Data agreement');
      const consent = clients.consentOf(service.owner);
      const individualId = await ensureIndividual(consent, viewer.id);
      const query = { individualId, dataAgreementId: agreement.id, revisionId: agreement.revisionId };
      const draft = (await consent.draftConsentRecord({ query })).body;
      const signature = {
        ...draft.signature,
        verificationMethod: 'authenticated-session',
        verificationSignedBy: viewer.id,
      };
      await consent.createConsentRecord({ body: { consentRecord: draft.consentRecord, signature } });
    },
    async consents(viewer) {
      const services = await withConsent();
      const found = await Promise.all(
        services.map(async (service): Promise<ConsentGiven[]> => {
          const records = (await recordsOf(viewer, service.owner)).filter(
            (record) => record.dataAgreementId === service.consent?.dataAgreementId,
          );
          if (records.length === 0) return [];
          const agreement = (await agreementOf(service))?.dataAgreement;
          return records.map((record) => ({
            id: record.id as string,
            purpose: agreement?.purposeText ?? agreement?.purpose ?? '',
            controller: names.member(service.owner),
            changedAt: record.updatedAt as string,
            inForce: record.optIn,
            attributes: (agreement?.dataAttributes ?? []).map((attribute) => attribute.name),
          }));
        }),
      );
      return found.flat();
    },
    async withdrawConsent(viewer, consentId) {
      for (const owner of new Set((await withConsent()).map((service) => service.owner))) {
        const record = (await recordsOf(viewer, owner)).find((one) => one.id === consentId);
        if (!record) continue;
        await clients.consentOf(owner).updateConsentRecord({
          params: { consentRecordId: consentId },
          body: { consentRecord: { ...record, optIn: false } },
        });
        return;
      }
      throw notFound('Consent record');
    },
  };
}
