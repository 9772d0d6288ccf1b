import type { Party } from '../backend.ts';
import type { Text } from '../languages.ts';

/** What members and applications of the mediator's directory are called. */
export interface Names {
  member(id: string): Text | string;
  application(id: string): Text | string;
  party(applicationId: string): Party;
}

const inWords = (code: string): string => {
  const words = code.replaceAll(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const memberOfId = (id: string): string => id.split('/').slice(0, 3).join('/');

/** Names from settings, by directory id; without one, the id's own last word. */
export function createNames(known: Readonly<Record<string, Text>>): Names {
  const nameOf = (id: string): Text | string => known[id] ?? inWords(id.split('/').at(-1) ?? id);
  return {
    member: (id) => nameOf(memberOfId(id)),
    application: nameOf,
    party: (id) => ({ id, agency: nameOf(memberOfId(id)), application: nameOf(id) }),
  };
}
