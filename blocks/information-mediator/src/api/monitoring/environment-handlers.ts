import { badRequest, forbidden, type Handlers, notFound } from '@govstack/platform';
import { type Entry, type Period, samplesIn, snapshotsIn } from '../../monitoring/environment/history.ts';
import { page, pageOf } from '../paging.ts';
import type { Who } from '../who.ts';
import type { environmentOperations } from './environment-operations.ts';
import { type EnvironmentPart, type SampledPart, sampledParts } from './environment-schema.ts';
import type { Reading } from './handlers.ts';

type Operations = typeof environmentOperations;
type Query = Parameters<Handlers<Operations>['listEnvironmentSnapshots']>[0]['query'];

const day = 86_400_000;

export function readEnvironment({ db, monitoring, reader, now }: Reading): Handlers<Operations> {
  const visible = new Set<EnvironmentPart>(monitoring.settings.environmentVisible);

  /** Of the parts asked for, those that somebody may see; what is asked for by name and may not be seen is refused. */
  function allowed(who: Who, asked: readonly SampledPart[] | undefined): readonly SampledPart[] {
    if (reader.owner(who)) return asked ?? sampledParts;
    const hidden = asked?.find((part) => !visible.has(part));
    if (hidden !== undefined) throw forbidden(`Only the owner of this server can read the part ${hidden}`);
    return (asked ?? sampledParts).filter((part) => visible.has(part));
  }
  function assertVisible(who: Who, part: EnvironmentPart): void {
    if (!reader.owner(who) && !visible.has(part))
      throw forbidden(`Only the owner of this server can read the part ${part}`);
  }
  const sampleOf = ({ node, at, data }: Entry, parts: readonly SampledPart[]) => ({
    node,
    at,
    ...Object.fromEntries(
      parts.flatMap((part) => {
        const value = (data as Record<string, unknown>)[part];
        return value === undefined ? [] : [[part, value]];
      }),
    ),
  });

  function periodOf({ from, to, node, pageToken, pageSize }: Query, most: number) {
    const request = pageOf({ pageSize: pageSize ?? most, ...(pageToken === undefined ? {} : { pageToken }) });
    const [at = '', last = ''] = request.after.split(' ');
    if (request.after !== '' && (Number.isNaN(Date.parse(at)) || last === ''))
      throw badRequest('The page token is not valid', [
        { in: 'query', pointer: '/pageToken', detail: 'is not a token of a page before' },
      ]);
    const end = to === undefined ? now() : new Date(to);
    const start = from === undefined ? new Date(end.getTime() - day) : new Date(from);
    if (start > end)
      throw badRequest('The period ends before it begins', [
        { in: 'query', pointer: '/from', detail: 'must not be after `to`' },
      ]);
    const period: Period = {
      from: start,
      to: end,
      node,
      after: request.after === '' ? undefined : { at, node: last },
      limit: request.limit + 1,
    };
    return { period, paged: (entries: Entry[]) => page(entries, request, (one) => `${one.at} ${one.node}`) };
  }

  return {
    async getEnvironment({ query, ...who }) {
      const parts = allowed(who, query.parts);
      return { status: 200, body: sampleOf(await monitoring.environment.sample(), parts) as never };
    },
    async listEnvironment({ query, ...who }) {
      const parts = allowed(who, query.parts);
      const { period, paged } = periodOf(query, 1500);
      const { items, ...next } = paged(await samplesIn(db, period, parts));
      return { status: 200, body: { items: items.map((one) => sampleOf(one, parts) as never), ...next } };
    },
    async takeEnvironmentSnapshot({ params: { part }, ...who }) {
      assertVisible(who, part);
      const found = await monitoring.environment.snapshot(part);
      if (!found) throw notFound(`This system does not say its ${part}; they were`);
      return { status: 200, body: { node: found.node, at: found.at, [part]: found.data } as never };
    },
    async listEnvironmentSnapshots({ params: { part }, query, ...who }) {
      assertVisible(who, part);
      const { period, paged } = periodOf(query, 24);
      const { items, ...next } = paged(await snapshotsIn(db, period, part));
      return {
        status: 200,
        body: { items: items.map(({ node, at, data }) => ({ node, at, [part]: data }) as never), ...next },
      };
    },
  };
}
