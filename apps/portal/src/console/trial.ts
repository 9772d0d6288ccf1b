import { CallFailed, Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { type ConsoleParts, describedService, ownApplications } from './catalogue.ts';
import type { DescribedOperation } from './description.ts';

const access = { roles: ['administrator'] };
const inputOf = (index: number): string => `parameter-${index}`;

interface Written {
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** The path and headers that the operation gets with these values; `values` in the order of its parameters. */
export function written({ path, parameters }: DescribedOperation, values: readonly string[]): Written {
  const given = parameters
    .map((parameter, index) => ({ ...parameter, value: values[index] ?? '' }))
    .filter(({ value }) => value !== '');
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let filled = path;
  for (const { name, where, value } of given) {
    if (where === 'path') filled = filled.replace(`{${name}}`, () => encodeURIComponent(value));
    if (where === 'query') query.append(name, value);
    if (where === 'header') headers[name] = value;
  }
  return { path: query.size === 0 ? filled : `${filled}?${query}`, headers };
}

/** JSON with its lines; anything else as it is. */
const laidOut = (body: string): string => {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
};

/** A described operation is called from the browser, as an application of the own agency (IM-6.2-h). */
export function trialPages(parts: ConsoleParts): void {
  const { site, clients, names } = parts;

  async function prepared(visit: SignedInVisit, operationId: string) {
    const id = visit.params.service as string;
    const { service, description } = await describedService(clients, id);
    const operation = description?.operations.find((one) => one.id === operationId);
    if (!operation) throw new Problem(404, 'no such operation');
    const model = {
      section: 'exchange',
      back: `/exchange/services/${encodeURIComponent(id)}`,
      service: { ...service, party: names.party(id.split('/').slice(0, 4).join('/')) },
      operation,
      mine: await ownApplications(parts, visit.viewer),
    };
    return { id, operation, model };
  }

  site.page('/exchange/services/:service/trial', access, async (visit) => {
    const { operation, model } = await prepared(visit, visit.query.operation ?? '');
    return visit.show('exchange/trial.njk', { ...model, values: [], body: operation.sample });
  });

  site.action('/exchange/services/:service/trial', access, async (visit) => {
    const { id, operation, model } = await prepared(visit, input(visit, 'operation'));
    const values = operation.parameters.map((_, index) => input(visit, inputOf(index)));
    const application = input(visit, 'application');
    const body = input(visit, 'body');
    const shown = { ...model, values, body, application };
    const refused = (text: string, href: string) =>
      visit.show('exchange/trial.njk', { ...shown, errors: [{ text, href }] }, 400);

    const missing = operation.parameters.findIndex(({ where }, index) => where === 'path' && !values[index]);
    if (missing >= 0)
      return refused(
        visit.voice.t('exchange.trial.missing', { name: operation.parameters[missing]?.name ?? '' }),
        `#${inputOf(missing)}`,
      );
    const { path, headers } = written(operation, values);
    const started = performance.now();
    try {
      const { body: answer } = await clients.directory.tryService({
        params: { service: id, application },
        body: {
          method: operation.method,
          path,
          headers:
            operation.mediaType === undefined ? headers : { ...headers, 'Content-Type': operation.mediaType },
          ...(body === '' ? {} : { body }),
        },
      });
      return visit.show('exchange/trial.njk', {
        ...shown,
        answer: {
          ...answer,
          body: answer.body === null ? null : laidOut(answer.body),
          durationMs: Math.round(performance.now() - started),
          refusedByMediator: answer.headers['x-road-error'],
        },
      });
    } catch (error) {
      if (!(error instanceof CallFailed) || error.temporary) throw error;
      return refused(error.problem?.detail ?? error.problem?.title ?? error.message, '#application');
    }
  });
}
