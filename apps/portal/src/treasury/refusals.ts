import type { CallFailed } from '@govstack/platform';
import { attempted, type PageError, refusedWith } from '../registries/refusals.ts';
import type { Voice } from '../rendering/voice.ts';
import type { Visit } from '../site/visit.ts';

export { orNone, type PageError, refusedWith } from '../registries/refusals.ts';

/** The answer of a call, or undefined when this person may not have it. */
export const orRefused = <T>(call: Promise<T>): Promise<T | undefined> =>
  call.catch((error: unknown) => {
    if (refusedWith(error, 403)) return undefined;
    throw error;
  });

/** What the payments block said against what was sent; each defect leads to the input of the same name, if there is one. */
export function errorsOf({ voice }: { voice: Voice }, error: CallFailed, href: string): PageError[] {
  const details = (error.problem?.errors ?? []).slice(0, 10).map(({ pointer, detail }) => ({
    text: detail,
    href: /^\/[a-zA-Z]+$/.test(pointer) ? `#${pointer.slice(1)}` : href,
  }));
  if (details.length > 0) return details;
  return [{ text: `${voice.t('treasury.refused')} ${error.problem?.detail ?? ''}`.trim(), href }];
}

/** Does something that may be refused; answers what was said against it, or nothing when it is done. */
export const attempt = (
  visit: Visit,
  href: string,
  work: () => Promise<unknown>,
): Promise<PageError[] | undefined> => attempted(work, (error) => errorsOf(visit, error, href));
