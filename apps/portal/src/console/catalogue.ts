import { Problem } from '@govstack/platform';
import type { Text } from '../languages.ts';
import { memberOfId, type Names } from '../mediated/names.ts';
import type { Site } from '../site/visit.ts';
import { type ConsoleClients, everyPage } from './clients.ts';
import { type Description, describe } from './description.ts';
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

/** Who offers what: every member with its applications and services, and each service's description. */
export function cataloguePages({ site, clients, names }: ConsoleParts): void {
  const { directory } = clients;
  const services = () =>
    everyPage(async (pageToken) => {
      const { body } = await clients.registration.listCatalogue({
        query: { pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) },
      });
      return body;
    });

  site.page('/exchange/catalogue', { roles: consoleRoles }, async (visit) => {
    const wanted = (visit.query.search ?? '').trim().slice(0, 100);
    const { text, language } = visit.voice;
    const matches = (one: Listed, member: string): boolean =>
      [one.id, one.title, text(one.application), member].some((value) =>
        value.toLocaleLowerCase(language).includes(wanted.toLocaleLowerCase(language)),
      );
    const listed = (await services()).map((one): Listed & { member: string } => ({
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
    const found = serviceId.test(id) ? (await services()).find((one) => one.id === id) : undefined;
    if (!found) throw new Problem(404, 'no such service');
    const document = await clients.description(id);
    const description: Description | undefined = document === undefined ? undefined : describe(document);
    const rights = await everyPage(async (pageToken) => {
      const { body } = await directory.listRights({
        query: { service: id, pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) },
      });
      return body;
    });
    const mine =
      visit.viewer.roles.includes('administrator') && visit.viewer.agency !== undefined
        ? (
            await everyPage(async (pageToken) => {
              const { body } = await directory.listApplications({
                query: {
                  member: visit.viewer.agency as string,
                  pageSize: 500,
                  ...(pageToken === undefined ? {} : { pageToken }),
                },
              });
              return body;
            })
          ).map((one) => ({ id: one.id, name: names.application(one.id) }))
        : [];
    const holders = [...Map.groupBy(rights, ({ subject }) => subject)].map(([subject, held]) => ({
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
