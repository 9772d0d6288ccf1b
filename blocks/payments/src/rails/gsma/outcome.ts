import { CallFailed, type Static } from '@govstack/platform';
import type { Outcome, RailResult } from '../port.ts';
import { outcomeOfRefusal } from '../refusal.ts';
import type { GsmaError, GsmaRequestState } from './contract.ts';

type ErrorObject = Static<typeof GsmaError>;

const statuses: Readonly<Record<string, Outcome>> = {
  completed: 'succeeded',
  failed: 'failed',
  declined: 'failed',
  rejected: 'failed',
  cancelled: 'failed',
  reversed: 'returned',
};

/** What a transaction's status means: one that is not known as final is not. */
export const outcomeOfStatus = (status: string): Outcome => {
  const known = status.toLowerCase();
  return Object.hasOwn(statuses, known) ? (statuses[known] as Outcome) : 'pending';
};

const categories: Readonly<Record<string, Outcome>> = { serviceunavailable: 'busy', internal: 'unknown' };

/**
 * What an error object means that the provider gives as the outcome of a request: refused for now or for good, or a
 * fault in which nobody can tell.
 */
export const outcomeOfError = ({
  errorCategory,
  errorCode,
}: ErrorObject): { outcome: Outcome; reasonCode: string } => ({
  outcome: categories[errorCategory.toLowerCase()] ?? 'failed',
  reasonCode: errorCode.slice(0, 40),
});

export function resultOfState(reference: string, state: Static<typeof GsmaRequestState>): RailResult {
  const railReference =
    state.objectReference === undefined ? {} : { railReference: state.objectReference.slice(0, 50) };
  if (state.status === 'failed')
    return state.error === undefined
      ? { reference, outcome: 'failed', reasonCode: 'failed', ...railReference }
      : { reference, ...outcomeOfError(state.error), ...railReference };
  return { reference, outcome: state.status === 'completed' ? 'succeeded' : 'pending', ...railReference };
}

const errorIn = (body: unknown): ErrorObject | undefined => {
  const { errorCategory, errorCode } = (body ?? {}) as Partial<ErrorObject>;
  return typeof errorCategory === 'string' && typeof errorCode === 'string'
    ? { errorCategory, errorCode }
    : undefined;
};

/**
 * What a refused sending means. A request that is known already is on its way; a refusal of its content is final; of
 * anything else nobody can say whether it was executed.
 */
export function resultOfRefusal(reference: string, error: unknown): RailResult {
  const general = outcomeOfRefusal(error);
  if (!(error instanceof CallFailed) || error.mediatorError !== undefined) return { reference, ...general };
  const said = errorIn(error.responseBody);
  if (said?.errorCode === 'DuplicateRequest')
    return { reference, outcome: 'pending', reasonCode: said.errorCode };
  if (said && general.outcome === 'failed')
    return { reference, outcome: 'failed', reasonCode: said.errorCode.slice(0, 40) };
  return { reference, ...general };
}
