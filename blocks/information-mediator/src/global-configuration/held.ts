import type { InstanceConfiguration, SecurityServer } from './configuration.ts';

/** Look-ups over configurations in force, rebuilt only when one of them changes. */
export interface Held {
  serversOf(application: string): readonly SecurityServer[];
  serverWith(certificate: string): SecurityServer | undefined;
}

export function holdConfigurations(configurations: readonly InstanceConfiguration[]): Held {
  const byClient = new Map<string, SecurityServer[]>();
  const byCertificate = new Map<string, SecurityServer>();
  for (const { instance, servers } of configurations) {
    // A centre speaks for its own instance: whatever else it says of servers and applications is not heard.
    const own = (id: string): boolean => id.startsWith(`${instance}/`);
    for (const published of servers.filter(({ id }) => own(id))) {
      const server = { ...published, clients: published.clients.filter(own) };
      for (const client of server.clients) byClient.set(client, [...(byClient.get(client) ?? []), server]);
      for (const certificate of server.certificates) byCertificate.set(certificate, server);
    }
  }
  return {
    serversOf: (application) => byClient.get(application) ?? [],
    serverWith: (certificate) => byCertificate.get(certificate),
  };
}

const groupsOfConfigurations = new WeakMap<InstanceConfiguration, Map<string, string[]>>();

/** Ids of the groups of an instance to which an application belongs. */
export function groupsOf(configuration: InstanceConfiguration, application: string): readonly string[] {
  let known = groupsOfConfigurations.get(configuration);
  if (!known) {
    known = new Map();
    for (const { code, members } of configuration.groups)
      for (const member of members)
        known.set(member, [...(known.get(member) ?? []), `${configuration.instance}/GLOBALGROUP/${code}`]);
    groupsOfConfigurations.set(configuration, known);
  }
  return known.get(application) ?? [];
}
