import type { Caller, Person } from '@govstack/platform';

/** Who calls: an application, and the person behind it if there is one. */
export interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** The name under which a change is remembered. */
export const by = ({ caller, person }: Who): string => person?.id ?? caller.application;
