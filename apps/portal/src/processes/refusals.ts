import type { CallFailed } from '@govstack/platform';
import { attempted, type PageError } from '../registries/refusals.ts';
import type { SignedInVisit } from '../site/visit.ts';

/** What the engine said against something; that it has moved on meanwhile is said as such. */
export function errorsOf({ voice }: SignedInVisit, error: CallFailed, href: string): PageError[] {
  const { detail, errors = [] } = error.problem ?? {};
  const said = errors.slice(0, 10).map((one) => `${one.pointer.split('/').at(-1)}: ${one.detail}`);
  const lead = voice.t(error.status === 409 ? 'processes.conflict' : 'processes.refused');
  const words = said.length > 0 ? said : [detail ?? ''];
  return words.map((one) => ({ text: `${lead} ${one}`.trim(), href }));
}

/** Does something that may be refused; answers what was said against it, or nothing when it is done. */
export const attempt = (
  visit: SignedInVisit,
  href: string,
  work: () => Promise<unknown>,
): Promise<PageError[] | undefined> => attempted(work, (error) => errorsOf(visit, error, href));
