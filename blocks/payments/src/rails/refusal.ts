import { CallFailed } from '@govstack/platform';
import type { Outcome } from './port.ts';

/**
 * What a failed sending means for its transfers. Only an answer that proves they were not executed may count as
 * failed or refused; anything else is unknown and must be asked about, never sent under a new reference.
 */
export function outcomeOfRefusal(error: unknown): { outcome: Outcome; reasonCode: string } {
  if (!(error instanceof CallFailed)) return { outcome: 'unknown', reasonCode: 'no-answer' };
  if (error.mediatorError !== undefined) {
    return error.temporary
      ? { outcome: 'unknown', reasonCode: 'no-answer' }
      : { outcome: 'busy', reasonCode: 'not-delivered' };
  }
  if (error.status === 429 || error.status === 425) return { outcome: 'busy', reasonCode: 'rail-busy' };
  if (error.status === 401 || error.status === 403 || error.status === 404)
    return { outcome: 'busy', reasonCode: 'not-delivered' };
  if (error.status === 400 || error.status === 413 || error.status === 415 || error.status === 422)
    return { outcome: 'failed', reasonCode: 'refused-by-rail' };
  return { outcome: 'unknown', reasonCode: 'no-answer' };
}
