import {
  badRequest,
  conflict,
  forbidden,
  type Handlers,
  memberOf,
  notFound,
  Problem,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import { searchAudit } from '../../audit/search.ts';
import { type ContainerSources, containerOf, NoContainer } from '../../containers/container.ts';
import { containerType } from '../../containers/documents.ts';
import { exchangeById, type Scope } from '../../evidence/exchanges.ts';
import type { Masking } from '../../evidence/masking.ts';
import { contentsReadings, readContents } from '../../evidence/read-contents.ts';
import { type Place, searchExchanges } from '../../evidence/search.ts';
import type { Signatures } from '../../evidence/signature.ts';
import type { MediatorTables } from '../../tables.ts';
import { NotStamped } from '../../time-stamps/stamping.ts';
import { page, pageOf } from '../paging.ts';
import type { Who } from '../who.ts';
import type { mediatorLog } from './operations.ts';

export interface ReadingContents {
  readonly masking: Masking;
  readonly containers: ContainerSources;
}

type Operations = Pick<
  typeof mediatorLog.operations,
  | 'searchExchanges'
  | 'getMessageContents'
  | 'getContainer'
  | 'listAdministrativeActs'
  | 'listContentsReadings'
>;

const notAPage = () =>
  badRequest('The page token is not valid', [
    { in: 'query', pointer: '/pageToken', detail: 'is not a token of a page before' },
  ]);

function placeOf(after: string): Place | undefined {
  if (after === '') return undefined;
  const [at = '', seq = '', ...rest] = after.split(' ');
  if (rest.length > 0 || Number.isNaN(Date.parse(at)) || !/^\d{1,18}$/.test(seq)) throw notAPage();
  return { at, seq };
}

export function search(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  scope: (who: Who) => Scope,
  { masking, containers }: ReadingContents,
): Handlers<Operations> {
  return {
    async searchExchanges({ query, ...who }) {
      const { from, to, pageSize = 50, pageToken, ...filters } = query;
      const request = pageOf({ pageSize, ...(pageToken === undefined ? {} : { pageToken }) });
      const found = await searchExchanges(
        db,
        signatures,
        scope(who),
        {
          ...filters,
          ...(from === undefined ? {} : { from: new Date(from) }),
          ...(to === undefined ? {} : { to: new Date(to) }),
        },
        { limit: request.limit + 1, after: placeOf(request.after) },
      );
      const { items, nextPageToken } = page(found, request, ({ place }) => `${place.at} ${place.seq}`);
      return {
        status: 200,
        body: {
          items: items.map(({ exchange }) => exchange),
          ...(nextPageToken === undefined ? {} : { nextPageToken }),
        },
      };
    },
    async getMessageContents({ params, body, caller, person }) {
      // Contents concern those who took part alone: governing the instance is no right to them.
      if (person.agency === undefined) throw notFound('This message');
      const message = await readContents(db, containers.key, masking, {
        exchangeId: params.exchangeId,
        kind: body.message,
        reader: person.id,
        agency: person.agency,
        application: caller.application,
        reason: body.reason,
      });
      return { status: 200, body: { ...message, headers: [...message.headers] } };
    },
    async getContainer({ params: { exchangeId }, body, caller, person }) {
      if (person && !person.roles.includes('auditor')) throw forbidden('This needs the role auditor');
      if (person && person.agency === undefined) throw notFound('This message');
      const agency = person?.agency ?? memberOf(caller.application);
      // As with contents: governing the instance, or reading its log, is no right to a message.
      const container = await containerOf(
        containers,
        person
          ? { kind: 'member', member: agency }
          : { kind: 'application', application: caller.application },
        {
          exchangeId,
          kind: body.message,
          reader: person?.id ?? caller.application,
          agency,
          application: caller.application,
          reason: body.reason,
        },
      ).catch((error: unknown) => {
        if (error instanceof NoContainer) throw conflict(error.message);
        throw error instanceof NotStamped
          ? new Problem(503, 'The message has no time stamp yet, and none could be had now')
          : error;
      });
      return {
        status: 200,
        body: {
          fileName: `${exchangeId}-${body.message}.asice`,
          mediaType: containerType,
          container: container.toString('base64'),
        },
      };
    },
    async listAdministrativeActs({ query: { pageSize = 50, pageToken, ...filter }, ...who }) {
      const request = pageOf({ pageSize, ...(pageToken === undefined ? {} : { pageToken }) });
      if (request.after !== '' && !/^\d{1,18}$/.test(request.after)) throw notAPage();
      const acts = await searchAudit(db, scope(who), filter, {
        limit: request.limit + 1,
        before: request.after === '' ? undefined : request.after,
      });
      return { status: 200, body: page(acts, request, ({ sequence }) => sequence) };
    },
    async listContentsReadings({ params, query, ...who }) {
      if (!(await exchangeById(db, signatures, scope(who), params.exchangeId)))
        throw notFound('This exchange');
      const request = pageOf(query);
      const readings = await contentsReadings(db, params.exchangeId, request);
      return { status: 200, body: page(readings, request, ({ sequence }) => sequence) };
    },
  };
}
