import type { SignedInVisit } from './visit.ts';

/** Seconds after which a page about work that is under way shows itself anew. */
export const refreshSeconds = 3;

/** Has the page shown anew while work is under way, without scripts, unless the person stopped that; says whether it does. */
export function refreshes(visit: SignedInVisit, underWay: boolean): boolean {
  if (!underWay || visit.query.still !== undefined) return false;
  visit.reply.header('refresh', String(refreshSeconds));
  return true;
}
