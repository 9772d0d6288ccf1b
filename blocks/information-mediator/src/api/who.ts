import type { Caller, Person } from '@govstack/platform';

/** On whose behalf an operation is called. */
export interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}
