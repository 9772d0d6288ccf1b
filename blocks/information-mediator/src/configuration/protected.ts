import { memberOf } from '@govstack/platform';
import { type Configuration, rightId } from './configuration.ts';

/** What the mediator itself needs: no document takes it away. */
export interface Protected {
  readonly members: ReadonlySet<string>;
  readonly applications: ReadonlySet<string>;
  /** Services the mediator itself provides. */
  readonly services: ReadonlySet<string>;
  readonly rights: ReadonlySet<string>;
}

export interface Keepers {
  /** The mediator's own application. */
  readonly own: string;
  readonly governance: string;
  readonly logReaders: readonly string[];
}

/**
 * The mediator's own application and services, the applications its settings name, and their rights: those a start of
 * the mediator puts into the directory.
 */
export function protectedIn(
  { services }: Configuration,
  { own, governance, logReaders }: Keepers,
): Protected {
  const applications = [own, governance, ...logReaders];
  const provided = [...services.values()]
    .filter(
      ({ id, serviceUrl }) =>
        id.startsWith(`${own}/`) && serviceUrl.startsWith('local:information-mediator/'),
    )
    .map(({ id }) => id);
  return {
    members: new Set(applications.map(memberOf)),
    applications: new Set(applications),
    services: new Set(provided),
    rights: new Set([
      ...provided.map((service) => rightId(service, governance)),
      ...logReaders.map((reader) => rightId(`${own}/mediator-log-v1`, reader)),
    ]),
  };
}
