import type { Directory } from '../../directory/directory.ts';

/**
 * Members and applications, of one instance when it is named (IM-8.2.1-a). Nothing in the request tells an X-Road
 * client from a GovStack client, so each entry carries the names of both.
 */
export function listClients(directory: Directory, instance: string | undefined): { member: object[] } {
  const within = ({ id }: { readonly id: string }): boolean =>
    instance === undefined || id.startsWith(`${instance}/`);
  const members = directory
    .members()
    .filter(within)
    .map(({ id, name }) => ({ id: identify(id), name }));
  const applications = directory
    .applications()
    .filter((application) => within(application) && application.enabled)
    .map(({ id, name }) => ({ id: identify(id), name, subsystem_name: name }));
  return { member: [...members, ...applications] };
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
