import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { actionsOf, askedOf, enteredSearch, type Log, type LogSearch, logs } from './log-search.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import { labelOf } from './schema.ts';
import { frame, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const pageSize = 50;

/** The frame of the pages about a registry's logs. */
export const logFrame = (visit: SignedInVisit, registry: OpenRegistry, part: Log | 'chain') => {
  const address = `${registry.place.base}/log`;
  return {
    ...frame(visit, registry, 'log'),
    address,
    part,
    logParts: [...logs, 'chain'].map((key) => ({
      key,
      href: key === 'changes' ? address : `${address}/${key}`,
    })),
  };
};

/** What was done to records and to the registry, and who read personal data: searched (REG-6.1-7-b, REG-4.1-h). */
export function logPages(parts: RegistryParts): void {
  const { site, clients, names, searches, timeZone } = parts;

  const logIn = (visit: SignedInVisit): Log => {
    const log = logs.find((one) => one === (visit.params.log ?? 'changes'));
    if (!log) throw new Problem(404, 'no such log');
    return log;
  };
  const keyOf = (log: Log, { place }: OpenRegistry): string => `log ${log} of ${place.owner}/${place.code}`;

  const whoIn = (
    visit: SignedInVisit,
    {
      person,
      application,
      at,
    }: { readonly person: string | null; readonly application: string; readonly at: string },
  ) => ({
    at,
    person,
    mine: person === visit.viewer.id,
    application: names.application(application),
    agency: names.member(application),
  });
  const labels = (fields: readonly string[]) => fields.map((name) => labelOf({ name, property: {} }));
  const said = (value: unknown) =>
    value === null || value === undefined ? undefined : JSON.stringify(value, undefined, 1);

  /** A page of a log, in words that the three have in common. */
  async function entriesOf(
    visit: SignedInVisit,
    { place }: OpenRegistry,
    log: Log,
    search: LogSearch,
    after: string | undefined,
  ) {
    const insight = clients.insight(place.owner);
    const { action } = search;
    const body = {
      ...askedOf(search, timeZone),
      registry: place.code,
      pageSize,
      ...(after === undefined ? {} : { after }),
    };
    const acted = action === undefined ? {} : { action: action as never };
    switch (log) {
      case 'changes': {
        const found = (await insight.searchChanges({ body: { ...body, ...acted } })).body;
        return {
          next: found.next,
          entries: found.entries.map((one) => ({
            ...whoIn(visit, one),
            action: one.action,
            records: [one.record],
            fields: labels(one.fields),
          })),
        };
      }
      case 'registry': {
        const found = (await insight.searchSchemaChanges({ body: { ...body, ...acted } })).body;
        return {
          next: found.next,
          entries: found.entries.map((one) => ({
            ...whoIn(visit, one),
            action: one.action,
            before: said(one.before),
            after: said(one.after),
          })),
        };
      }
      case 'reads': {
        const method = action === undefined ? {} : { method: action as 'read' | 'exists' | 'list' };
        const found = (await insight.searchReads({ body: { ...body, ...method } })).body;
        return {
          next: found.next,
          entries: found.entries.map((one) => ({
            ...whoIn(visit, { person: one.readerId, application: one.readerApplication, at: one.time }),
            action: one.method,
            initials: one.readerInitials,
            purpose: one.purpose,
            records: one.records.slice(0, 5),
            moreRecords: one.records.length > 5,
            fields: labels(one.fields),
          })),
        };
      }
    }
  }

  async function show(
    visit: SignedInVisit,
    registry: OpenRegistry,
    log: Log,
    search: LogSearch,
    id: string,
    errors: readonly PageError[] = [],
  ) {
    const after = visit.query.after;
    let found: Awaited<ReturnType<typeof entriesOf>> = { entries: [], next: undefined };
    const faults = [...errors];
    if (faults.length === 0)
      try {
        found = await entriesOf(visit, registry, log, search, after === '' ? undefined : after);
      } catch (error) {
        if (!refusedWith(error, 400)) throw error;
        faults.push(...errorsOf(error, '#person'));
      }
    const model = logFrame(visit, registry, log);
    const here = model.logParts.find(({ key }) => key === log)?.href as string;
    const older = new URLSearchParams({ ...(id === '' ? {} : { search: id }), after: found.next ?? '' });
    return visit.show(
      'registries/log.njk',
      {
        ...model,
        here,
        search,
        sought: Object.keys(search).length > 0,
        newest: after === undefined ? undefined : `${here}${id === '' ? '' : `?search=${id}`}`,
        actions: actionsOf[log],
        fields: registry.fields.map((field) => ({ name: field.name, label: labelOf(field) })),
        entries: found.entries,
        next: found.next === undefined ? undefined : `${here}?${older}`,
        errors: faults,
      },
      faults.length > 0 ? 422 : 200,
    );
  }

  for (const path of ['/registries/:registry/log', '/registries/:registry/log/:log']) {
    site.page(path, access, async (visit) => {
      const log = logIn(visit);
      const registry = await openRegistry(parts, visit);
      const id = visit.query.search ?? '';
      const search = id === '' ? undefined : await searches.find(visit.viewer.id, keyOf(log, registry), id);
      return show(visit, registry, log, search ?? {}, search ? id : '');
    });

    site.action(path, access, async (visit) => {
      const log = logIn(visit);
      const registry = await openRegistry(parts, visit);
      const { search, errors } = enteredSearch(visit, log, timeZone);
      if (errors.length > 0) return show(visit, registry, log, search, '', errors);
      const here = `${registry.place.base}/log${log === 'changes' ? '' : `/${log}`}`;
      if (Object.keys(search).length === 0) return visit.goTo(here);
      return visit.goTo(
        `${here}?search=${await searches.keep(visit.viewer.id, keyOf(log, registry), search)}#found`,
      );
    });
  }
}
