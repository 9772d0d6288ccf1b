import { cursorIn } from '../site/ids.ts';
import { input } from '../site/visit.ts';
import type { ProcessClients } from './clients.ts';
import { access, frame, instancePath, type ProcessParts, revisionPath } from './shell.ts';

export const instanceStates = ['running', 'suspended', 'completed', 'failed', 'stopped'] as const;
export const troubles = ['incidents', 'overdue'] as const;
const pageSize = 50;

type Instance = Awaited<ReturnType<ProcessClients['api']['getInstances']>>['body'][number];

/** An instance in a list. */
export const instanceLine = (one: Instance) => ({
  ...one,
  href: instancePath(one.id),
  processHref: revisionPath(one.processRef),
});

/** Instances of all processes, found by process, state, trouble and business key (WF-4.3). */
export function instanceListPages({ site, clients: { api }, searches }: ProcessParts): void {
  const path = '/processes/instances';

  const filterIn = (value: (name: string) => string) => ({
    process: value('process').slice(0, 300),
    state: instanceStates.find((one) => one === value('state')),
    trouble: troubles.find((one) => one === value('trouble')),
  });

  const addressOf = (filter: ReturnType<typeof filterIn>, more: Readonly<Record<string, string>> = {}) => {
    const query = new URLSearchParams({
      ...(filter.process === '' ? {} : { process: filter.process }),
      ...(filter.state === undefined ? {} : { state: filter.state }),
      ...(filter.trouble === undefined ? {} : { trouble: filter.trouble }),
      ...more,
    });
    return query.size > 0 ? `${path}?${query}` : path;
  };

  site.page(path, access, async (visit) => {
    const filter = filterIn((name) => visit.query[name] ?? '');
    const kept = visit.query.search ?? '';
    const sought = kept === '' ? undefined : await searches.find(visit.viewer.id, 'instances', kept);
    const before = cursorIn(visit, 'before');
    const [found, current] = await Promise.all([
      api.getInstances({
        query: {
          limit: pageSize + 1,
          ...(filter.process === '' ? {} : { processId: filter.process }),
          ...(filter.state === undefined ? {} : { state: filter.state }),
          ...(filter.trouble === undefined ? {} : { [filter.trouble]: true }),
          ...(sought ? { businessKey: sought.businessKey } : {}),
          ...(before === undefined ? {} : { before }),
        },
      }),
      api.getProcessList({}),
    ]);
    const names = new Map(current.body.map(({ key, name }) => [key, name]));
    const instances = found.body.slice(0, pageSize);
    const last = instances.at(-1);
    const search: Record<string, string> = sought ? { search: kept } : {};
    return visit.show('processes/instances.njk', {
      ...frame(visit, 'instances'),
      here: path,
      filter,
      businessKey: sought?.businessKey,
      sought: sought !== undefined || filter.process !== '' || filter.state || filter.trouble,
      states: instanceStates,
      troubles,
      processes: current.body.map(({ key, name }) => ({ key, name })),
      instances: instances.map((one) => ({
        ...instanceLine(one),
        name: names.get(one.processKey) ?? one.processKey,
      })),
      newest: before === undefined ? undefined : addressOf(filter, search),
      older:
        found.body.length > pageSize && last ? addressOf(filter, { ...search, before: last.id }) : undefined,
    });
  });

  // What is looked for is sent, not addressed: a business key may be personal.
  site.action(path, access, async (visit) => {
    const filter = filterIn((name) => input(visit, name));
    const businessKey = input(visit, 'businessKey').slice(0, 200);
    if (businessKey === '') return visit.goTo(addressOf(filter));
    const search = await searches.keep(visit.viewer.id, 'instances', { businessKey });
    return visit.goTo(addressOf(filter, { search }));
  });
}
