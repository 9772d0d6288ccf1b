import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Problem } from '@govstack/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { csvLines } from '../records/csv.ts';
import { findView, openViews } from '../views/views.ts';
import { catalogueOf } from './catalogue.ts';
import { type OpenDataParts, type OpenView, openToAnybody } from './open-view.ts';
import { openDataRoot } from './path.ts';
import { rateLimit } from './rate-limit.ts';

export interface OpenDataOptions extends OpenDataParts {
  /** Seconds for which a copy counts as fresh. */
  readonly cacheSeconds: number;
  /** Requests of one address; 0: any number. */
  readonly requestsPerMinute: number;
  /** Where the world sees this node; empty: links begin at the root. */
  readonly publicUrl: string;
}

type Format = 'json' | 'csv';
const mediaTypes: Readonly<Record<Format, string>> = { json: 'application/json', csv: 'text/csv' };

async function* json({ batches }: OpenView): AsyncGenerator<string> {
  let separator = '[';
  for await (const batch of batches()) {
    if (batch.length === 0) continue;
    yield separator + batch.map((one) => JSON.stringify(one)).join(',\n');
    separator = ',\n';
  }
  yield separator === '[' ? '[]\n' : ']\n';
}

async function* csv({ columns, batches }: OpenView): AsyncGenerator<string> {
  yield csvLines([columns]);
  for await (const batch of batches())
    if (batch.length > 0) yield csvLines(batch.map((one) => columns.map((column) => one[column])));
}

const mostStreams = 20;
const mostRemembered = 1000;

/** Open data: what anybody may read, without any identity, in whole. */
export function openDataRoutes(options: OpenDataOptions): (fastify: FastifyInstance) => void {
  const { db, cacheSeconds, requestsPerMinute, publicUrl } = options;
  const waitOf = rateLimit(requestsPerMinute, Date.now);
  const known = new Map<string, { readonly until: number; readonly value: Promise<string> }>();
  let streams = 0;

  /** Asked of the database once in a while, however many ask. */
  function remembered(key: string, work: () => Promise<string>): Promise<string> {
    const found = known.get(key);
    if (found && found.until > Date.now()) return found.value;
    const value = work();
    if (known.size >= mostRemembered) known.clear();
    known.set(key, { until: Date.now() + cacheSeconds * 1000, value });
    value.catch(() => known.delete(key));
    return value;
  }

  /** The headers of an answer; false when the caller has it already. */
  function fresh(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
    const etag = `W/"${tag}"`;
    reply
      .header('etag', etag)
      .header('cache-control', `public, max-age=${cacheSeconds}`)
      .header('access-control-allow-origin', '*')
      .header('x-content-type-options', 'nosniff');
    const have = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim());
    return !have.some((one) => one === '*' || one === etag || `W/${one}` === etag);
  }

  return (fastify) => {
    fastify.addHook('onRequest', async (request) => {
      const wait = waitOf(request.ip);
      if (wait > 0)
        throw new Problem(429, `Ask again in ${wait} seconds`, { headers: { 'retry-after': String(wait) } });
    });
    fastify.get(`${openDataRoot}/catalogue.json`, async (request, reply) => {
      const text = await remembered('catalogue', async () => {
        const views = await openViews(db);
        const shown = await Promise.all(
          views.map((view) =>
            openToAnybody(options, view).then(
              () => [view],
              (error) => {
                if (error instanceof Problem) return [];
                throw error;
              },
            ),
          ),
        );
        return JSON.stringify(catalogueOf(shown.flat(), publicUrl));
      });
      const tag = createHash('sha256').update(text).digest('base64url').slice(0, 22);
      if (!fresh(request, reply, tag)) return reply.code(304).send();
      return reply.header('content-type', 'application/ld+json; charset=utf-8').send(text);
    });
    fastify.get<{ Params: Record<'instance' | 'class' | 'member' | 'application' | 'view', string> }>(
      `${openDataRoot}/:instance/:class/:member/:application/:view`,
      async (request, reply) => {
        const { params } = request;
        const [code = '', suffix] = params.view.split('.', 2);
        if (suffix !== undefined && !(suffix in mediaTypes)) throw new Problem(404, 'Open data not found');
        const accepted = /\btext\/csv\b/i.test(request.headers.accept ?? '') ? 'csv' : 'json';
        const format = (suffix ?? accepted) as Format;
        const owner = [params.instance, params.class, params.member, params.application].join('/');
        const open = await openToAnybody(options, await findView(db, owner, code));
        const state = await remembered(`${open.view.id}/${open.view.revision}`, () => open.state());
        if (suffix === undefined) reply.header('vary', 'Accept');
        if (!fresh(request, reply, `${state}.${format}`)) return reply.code(304).send();
        reply.header('content-type', `${mediaTypes[format]}; charset=utf-8`);
        if (format === 'csv') reply.header('content-disposition', `attachment; filename="${code}.csv"`);
        if (request.method === 'HEAD') return reply.send();
        if (streams >= mostStreams)
          throw new Problem(503, 'Too many are reading at once', { headers: { 'retry-after': '5' } });
        streams += 1;
        const stream = Readable.from(format === 'csv' ? csv(open) : json(open));
        stream.once('close', () => {
          streams -= 1;
        });
        return reply.send(stream);
      },
    );
  };
}
