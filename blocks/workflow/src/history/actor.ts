import { type Caller, memberOf, type Person } from '@govstack/platform';

/** Who causes something: for the history, and for rights. */
export interface Actor {
  /** Application that asks, or for which the engine acts. */
  readonly application: string;
  /** Id of the person behind it, if there is one. */
  readonly person: string | undefined;
  /** The person's agency, else the member the application belongs to (WF-5.1.2-b). */
  readonly organisation: string;
}

/** The actor of a request. */
export const actorOf = (caller: Caller, person: Person | undefined): Actor => ({
  application: caller.operator ?? caller.application,
  person: person?.id,
  organisation: person?.agency ?? memberOf(caller.application),
});

/** The engine itself, at work for nobody in particular. */
export const engineActor = (application: string): Actor => ({
  application,
  person: undefined,
  organisation: memberOf(application),
});

export const nameOf = (actor: Actor): string => actor.person ?? actor.application;
