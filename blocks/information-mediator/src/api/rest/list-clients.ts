import type { Directory } from '../../directory/directory.ts';
import type { InstanceConfiguration } from '../../global-configuration/configuration.ts';

/** Who is in an instance: as its configuration says, and as this server's own directory does. */
export interface Clients {
  readonly directory: Directory;
  /** The instance of this server. */
  readonly instance: string;
  readonly configurationOf: (instance: string) => InstanceConfiguration | undefined;
}

/**
 * Members and applications of this instance, or of a federated one that is named (IM-8.2.1-a). Nothing in the request
 * tells an X-Road client from a GovStack client, so each entry carries the names of both.
 */
export function listClients(
  { directory, instance, configurationOf }: Clients,
  named: string | undefined,
): { member: object[] } {
  const wanted = named ?? instance;
  const within = ({ id }: { readonly id: string }): boolean => id.startsWith(`${wanted}/`);
  const published = configurationOf(wanted);
  const all = (
    known: readonly { readonly id: string; readonly name: string }[],
    here: readonly { readonly id: string; readonly name: string }[],
  ) => [...new Map([...known, ...here.filter(within)].map((one) => [one.id, one])).values()];
  const members = all(published?.members ?? [], directory.members());
  const applications = all(
    published?.applications ?? [],
    directory.applications().filter(({ enabled }) => enabled),
  );
  return {
    member: [
      ...members.map(({ id, name }) => ({ id: identify(id), name })),
      ...applications.map(({ id, name }) => ({ id: identify(id), name, subsystem_name: name })),
    ],
  };
}

function identify(id: string): object {
  const [instance, memberClass, memberCode, application] = id.split('/');
  const named = { instanceId: instance, memberClass, memberCode };
  const xRoad = { xroad_instance: instance, member_class: memberClass, member_code: memberCode };
  return application === undefined
    ? { objectType: 'MEMBER', ...named, object_type: 'MEMBER', ...xRoad }
    : {
        objectType: 'APPLICATION',
        ...named,
        applicationCode: application,
        object_type: 'SUBSYSTEM',
        ...xRoad,
        subsystem_code: application,
      };
}
