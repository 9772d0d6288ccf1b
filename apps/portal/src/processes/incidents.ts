import type { PageError } from '../registries/refusals.ts';
import { cursorIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt } from './refusals.ts';
import { frame, instancePath, operatorAccess, type ProcessParts } from './shell.ts';

const pageSize = 50;
/** Of one request: the rest is asked for again. */
const mostRetried = 500;

/** Open incidents of all processes, and their retry in numbers: by process, element and words. */
export function incidentPages({ site, clients: { admin, api } }: ProcessParts): void {
  const path = '/processes/incidents';

  async function show(
    visit: SignedInVisit,
    more: { readonly errors?: readonly PageError[]; readonly result?: object } = {},
  ) {
    const asked = (name: string): string => (input(visit, name) || (visit.query[name] ?? '')).slice(0, 200);
    const [process, element, words] = [
      asked('process'),
      asked('element'),
      input(visit, 'words').slice(0, 200),
    ];
    const after = cursorIn(visit, 'after');
    const [found, current] = await Promise.all([
      admin.listIncidents({
        query: {
          limit: pageSize,
          ...(process === '' ? {} : { processKey: process }),
          ...(element === '' ? {} : { elementId: element }),
          ...(words === '' ? {} : { message: words }),
          ...(after === undefined ? {} : { after }),
        },
      }),
      api.getProcessList({}),
    ]);
    const kept = new URLSearchParams({
      ...(process === '' ? {} : { process }),
      ...(element === '' ? {} : { element }),
    });
    const { errors = [] } = more;
    return visit.show(
      'processes/incidents.njk',
      {
        ...frame(visit, 'incidents'),
        here: path,
        filter: { process, element, words },
        processes: current.body.map(({ key, name }) => ({ key, name })),
        incidents: found.body.incidents.map((one) => ({
          ...one,
          href: `${instancePath(one.instanceId)}#incidents`,
        })),
        first: after === undefined ? undefined : `${path}?${kept}`,
        // Words may be personal: they are in no address, so with them only the first page is shown.
        next:
          found.body.next === undefined || words !== ''
            ? undefined
            : `${path}?${new URLSearchParams([...kept, ['after', found.body.next]])}`,
        more: found.body.next !== undefined,
        result: more.result,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, operatorAccess, (visit) => show(visit));

  site.action(path, operatorAccess, async (visit) => {
    if (input(visit, 'choice') !== 'retry') return show(visit);
    const { t } = visit.voice;
    const [processKey, elementId] = [input(visit, 'process'), input(visit, 'element')];
    const [message, reason] = [input(visit, 'words'), input(visit, 'reason').slice(0, 1000)];
    if (processKey === '')
      return show(visit, { errors: [{ text: t('processes.incidents.processMissing'), href: '#process' }] });
    if (reason === '')
      return show(visit, { errors: [{ text: t('processes.reasonMissing'), href: '#reason' }] });
    let result: object | undefined;
    const errors = await attempt(visit, '#process', async () => {
      const { body } = await admin.retryIncidents({
        body: {
          processKey,
          ...(elementId === '' ? {} : { elementId }),
          ...(message === '' ? {} : { message }),
          limit: mostRetried,
          reason,
        },
      });
      result = body;
    });
    return show(visit, errors ? { errors } : { result: result as object });
  });
}
