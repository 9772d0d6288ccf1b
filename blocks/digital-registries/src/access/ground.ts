import type { Ground } from './access.ts';

export interface GroundHeaders {
  readonly 'x-purpose'?: string;
  readonly 'x-consent-reference'?: string;
  readonly 'x-legal-ground'?: string;
  readonly 'x-reader-name'?: string;
  readonly 'x-references'?: string;
}

const mostReferences = 20;

/** Why data is read, as the headers of a request say it. */
export const groundOf = (headers: GroundHeaders): Ground => ({
  purpose: headers['x-purpose'],
  consentReference: headers['x-consent-reference'],
  legalGround: headers['x-legal-ground'],
  readerName: headers['x-reader-name'],
  references: headers['x-references']
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .slice(0, mostReferences),
});
export const noGround: Ground = groundOf({});
