import { CallFailed, type Mediation } from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

/** What registries need of a consent block: may data be processed under this record now? */
const consentVerification = defineSurface({
  name: 'consent-v1',
  title: 'Consent verification, as registries use it',
  version: '1.1.0',
  operations: {
    verifyConsentRecord: defineOperation({
      id: 'verifyConsentRecord',
      method: 'GET',
      path: '/service/verification/consent-record/{consentRecordId}/',
      summary: 'A consent record',
      access: { caller: 'application' },
      params: Type.Object({ consentRecordId: Type.String() }),
      responses: {
        200: Type.Object({ consentRecord: Type.Object({ effective: Type.Optional(Type.Boolean()) }) }),
      },
    }),
  },
});

export type VerifyConsent = (reference: string) => Promise<boolean>;

/**
 * Asks the consent block, and remembers a yes for `cacheMs`: a withdrawal counts at the latest after that time.
 * When the consent block cannot be reached the answer is an error, never a yes.
 */
export function consentVerifier(mediation: Mediation, service: string, cacheMs: number): VerifyConsent {
  const client = mediation.client(consentVerification, service);
  const known = new Map<string, number>();
  return async (reference) => {
    const until = known.get(reference);
    if (until !== undefined && until > Date.now()) return true;
    known.delete(reference);
    try {
      const { body } = await client.verifyConsentRecord({
        params: { consentRecordId: reference },
        personToken: null,
      });
      if (body.consentRecord.effective !== true) return false;
      if (known.size > 10_000) known.clear();
      if (cacheMs > 0) known.set(reference, Date.now() + cacheMs);
      return true;
    } catch (error) {
      if (error instanceof CallFailed && (error.status === 400 || error.status === 404)) return false;
      throw error;
    }
  };
}
