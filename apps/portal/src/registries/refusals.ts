import { CallFailed } from '@govstack/platform';

/** Whether a call was refused with one of these statuses: something that a person can put right. */
export const refusedWith = (error: unknown, ...statuses: readonly number[]): error is CallFailed =>
  error instanceof CallFailed && error.mediatorError === undefined && statuses.includes(error.status);

/** The answer of a call, or undefined when there is no such thing. */
export const orNone = <T>(call: Promise<T>): Promise<T | undefined> =>
  call.catch((error: unknown) => {
    if (refusedWith(error, 404)) return undefined;
    throw error;
  });

export interface PageError {
  readonly text: string;
  readonly href: string;
}

/** What a registry said against a schema or a setting, in a list of errors. */
export function errorsOf(error: CallFailed, href: string): PageError[] {
  const details = (error.problem?.errors ?? []).slice(0, 10).map(({ pointer, detail }) => {
    const name = pointer.split('/').slice(3, 4).join('').replaceAll('~1', '/').replaceAll('~0', '~');
    return { text: name === '' ? detail : `${name}: ${detail}`, href };
  });
  if (details.length > 0) return details;
  return [{ text: error.problem?.detail ?? error.problem?.title ?? error.message, href }];
}

/** Does something that may be refused; answers what was said against it, or nothing when it is done. */
export async function attempted(
  work: () => Promise<unknown>,
  toErrors: (error: CallFailed) => PageError[],
): Promise<PageError[] | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!refusedWith(error, 400, 403, 409, 422)) throw error;
    return toErrors(error);
  }
}
