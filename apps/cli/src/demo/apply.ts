import { consentApi } from '@govstack/consent/api';
import type { HouseholdRow } from '@govstack/country';
import { applications } from '@govstack/country/seed';
import { CallFailed, newContext, withContext } from '@govstack/platform';
import { registrationApi } from '@govstack/registration/api';
import type { Stack } from '../stack/start-stack.ts';

/** Answers of a line of the list as the form asks for them. */
export function answersOf({
  head,
  district,
  village,
  survey,
  account,
}: HouseholdRow): Record<string, unknown> {
  const { schoolAttendance, ...rest } = survey;
  return {
    nationalNumber: head.nationalNumber,
    givenName: head.givenName,
    familyName: head.familyName,
    ...(head.phone === undefined ? {} : { phone: head.phone }),
    ...(head.email === undefined ? {} : { email: head.email }),
    language: 'fr',
    district,
    village,
    ...rest,
    ...(survey.children5to17 > 0 && schoolAttendance !== 'no-children' ? { schoolAttendance } : {}),
    accountKind: account.kind,
    ...(account.kind === 'bank-account' ? { bankAccount: account.number } : { walletNumber: account.number }),
    accountHolder: account.holder,
  };
}

/**
 * Files applications for households, as a field worker with a list would: consent is recorded as assisted. Everything
 * carries the household's number as key, so a list that was begun can be begun again.
 */
export function createApplicant(stack: Stack): (row: HouseholdRow) => Promise<void> {
  const { application, dataAgreementId, serviceId, eFormId } = stack.service;
  const own = stack.as(application);
  const consent = own.client(consentApi, `${applications.consent}/consent-v1`);
  const registration = own.client(registrationApi, `${applications.registration}/registration-v1`);

  async function individualOf(externalId: string): Promise<string> {
    const externalIdType = 'household';
    try {
      const { body } = await consent.createIndividual({
        body: { individual: { externalId, externalIdType, identityProviderId: 'household-list' } },
      });
      return body.individual.id as string;
    } catch (error) {
      if (!(error instanceof CallFailed) || error.status !== 400) throw error;
      const { body } = await consent.listIndividuals({ query: { externalId, externalIdType } });
      return body.individuals[0]?.id as string;
    }
  }

  return (row) =>
    withContext(newContext(), async () => {
      const externalId = `household-${row.householdId}`;
      const individualId = await individualOf(externalId);
      const { body: draft } = await consent.draftConsentRecord({ query: { individualId, dataAgreementId } });
      const signature = {
        ...draft.signature,
        verificationMethod: 'assisted',
        verificationSignedBy: application,
      };
      const { body: given } = await consent.createConsentRecord({
        body: { consentRecord: draft.consentRecord, signature },
      });
      try {
        await registration.submitApplication({
          params: { serviceId },
          idempotencyKey: `list/${externalId}`,
          body: {
            applicantId: externalId,
            consentRecordId: given.consentRecord.id as string,
            formData: { eFormId, data: answersOf(row) },
          },
        });
      } catch (error) {
        // Filed before under another form or consent: one open application per household is enough.
        if (
          !(error instanceof CallFailed) ||
          error.problem?.type !== 'urn:govstack:registration:open-application'
        )
          throw error;
      }
    });
}
