import { Problem } from '@govstack/platform';
import type { Viewer } from '../backend.ts';
import type { Text } from '../languages.ts';
import { memberOfId, type Names } from '../mediated/names.ts';
import type { Site } from '../site/visit.ts';
import { type ConsoleClients, everyPage } from './clients.ts';
import { describe } from './description.ts';
import { consoleRoles } from './roles.ts';

export interface ConsoleParts {
  readonly site: Site;
  readonly clients: ConsoleClients;
  readonly names: Names;
  readonly now: () => Date;
}

interface Listed {
  readonly id: string;
  readonly code: string;
  readonly title: string;
  readonly application: Text | string;
  readonly enabled: boolean;
  readonly notice: string | null;
}

const serviceId = /^[^/]+(\/[^/]+){4}$/;

const allServices = ({ registration }: ConsoleClients) =>
  everyPage(async (pageToken) => {
    const { body } = await registration.listCatalogue({
      query: { pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) },
    });
    return body;
  });

/** A service of the catalogue with what its description says; refused when there is none of this name. */
export async function describedService(clients: ConsoleClients, id: string) {
  const found = serviceId.test(id) ? (await allServices(clients)).find((one) => one.id === id) : undefined;
  if (!found) throw new Problem(404, 'no such service');
  const document = await clients.description(id);
  return { service: found, description: document === undefined ? undefined : describe(document) };
}

/** Applications for which a person may ask for access and try services: an administrator's, those of the agency. */
export async function ownApplications({ clients, names }: ConsoleParts, { roles, agency }: Viewer) {
  if (!roles.includes('administrator') || agency === undefined) return [];
  const found = await everyPage(async (pageToken) => {
    const query = { member: agency, pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) };
    return (await clients.directory.listApplications({ query })).body;
  });
  return found.map(({ id }) => ({ id, name: names.application(id) }));
}

/** Who offers what: every member with its applications and services, and each service's description. */
export function cataloguePages(parts: ConsoleParts): void {
  const { site, clients, names } = parts;
  const { directory } = clients;

  site.page('/exchange/catalogue', { roles: consoleRoles }, async (visit) => {
    const wanted = (visit.query.search ?? '').trim().slice(0, 100);
    const { text, language } = visit.voice;
    const matches = (one: Listed, member: string): boolean =>
      [one.id, one.title, text(one.application), member].some((value) =>
        value.toLocaleLowerCase(language).includes(wanted.toLocaleLowerCase(language)),
      );
    const listed = (await allServices(clients)).map((one): Listed & { member: string } => ({
      id: one.id,
      code: one.id.split('/').at(-1) ?? one.id,
      title: one.title,
      application: names.application(one.id.split('/').slice(0, 4).join('/')),
      enabled: one.enabled,
      notice: one.notice,
      member: memberOfId(one.id),
    }));
    const shown = listed.filter((one) => matches(one, text(names.member(one.member))));
    const members = [...Map.groupBy(shown, ({ member }) => member)]
      .map(([id, offered]) => ({ id, name: names.member(id), services: offered }))
      .sort((a, b) => text(a.name).localeCompare(text(b.name), language));
    return visit.show('exchange/catalogue.njk', {
      section: 'exchange',
      search: wanted,
      count: shown.length,
      members,
    });
  });

  site.page('/exchange/services/:service', { roles: consoleRoles }, async (visit) => {
    const id = visit.params.service as string;
    const { service: found, description } = await describedService(clients, id);
    // Rights are for administrators to see.
    const rights = visit.viewer.roles.includes('administrator')
      ? await everyPage(async (pageToken) => {
          const { body } = await directory.listRights({
            query: { service: id, pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) },
          });
          return body;
        })
      : undefined;
    const mine = await ownApplications(parts, visit.viewer);
    const holders =
      rights &&
      [...Map.groupBy(rights, ({ subject }) => subject)].map(([subject, held]) => ({
        party: names.party(subject),
        endpoints: held.map(({ method, path }) => ({ method, path, whole: method === '*' && path === '**' })),
      }));
    return visit.show('exchange/service.njk', {
      section: 'exchange',
      back: '/exchange/catalogue',
      service: {
        ...found,
        code: id.split('/').at(-1),
        party: names.party(id.split('/').slice(0, 4).join('/')),
      },
      description,
      holders,
      mine,
    });
  });
}
