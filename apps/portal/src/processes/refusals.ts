import type { CallFailed } from '@govstack/platform';
import { type PageError, refusedWith } from '../registries/refusals.ts';
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
export async function attempt(
  visit: SignedInVisit,
  href: string,
  work: () => Promise<unknown>,
): Promise<PageError[] | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!refusedWith(error, 400, 403, 409, 422)) throw error;
    return errorsOf(visit, error, href);
  }
}
