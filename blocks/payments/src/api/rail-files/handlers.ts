import {
  type Caller,
  conflict,
  type Handlers,
  memberOf,
  notFound,
  type Person,
  transaction,
} from '@govstack/platform';
import type { Payments } from '../../payments-context.ts';
import { fetchFile, listFiles, loadStatusReport } from '../../rails/file/files.ts';
import type { Rail } from '../../rails/port.ts';
import { findRail } from '../../rails/registry.ts';
import { actorOf, isTreasury, operates } from '../../sources/access.ts';
import { money, present } from '../admin/views.ts';
import type { railFiles } from './operations.ts';

/** Role of people of an institution who carry its files. */
const officer = 'rail-officer';

/**
 * Files go to the people of the treasury who manage payments, to the application that the rail is (or a person of its member behind it), and to officers
 * of its member through any application.
 */
function mayCarry(payments: Payments, rail: Rail, caller: Caller, person: Person | undefined): boolean {
  const member = memberOf(rail.service);
  if (operates(payments, caller, person)) return true;
  if (person) return person.agency === member && person.roles.includes(officer);
  return rail.service.startsWith(`${caller.application}/`);
}

export function railFileHandlers(payments: Payments): Handlers<typeof railFiles.operations> {
  const found = async (railId: string, may: (rail: Rail) => boolean): Promise<Rail> => {
    const rail = await findRail(payments.db, railId);
    if (!rail || !may(rail)) throw notFound('Rail');
    return rail;
  };
  const carried = (railId: string, caller: Caller, person: Person | undefined): Promise<Rail> =>
    found(railId, (rail) => mayCarry(payments, rail, caller, person));
  return {
    async listRailFiles({ params, query, caller, person }) {
      const treasury = isTreasury(payments, caller, person);
      const rail = await found(params.railId, (one) => treasury || mayCarry(payments, one, caller, person));
      const limit = query.limit ?? 100;
      const rows = await listFiles(payments.db, {
        railId: rail.id,
        ...(query.direction === undefined ? {} : { direction: query.direction }),
        ...(query.waiting === undefined ? {} : { waiting: query.waiting }),
        ...(query.before === undefined ? {} : { before: query.before }),
        limit: limit + 1,
      });
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            fileId: row.id,
            direction: row.direction,
            messageId: row.message_id,
            transfers: row.transfer_count,
            ...present('currency', row.currency),
            ...present(
              'controlSum',
              row.control_sum === null || row.currency === null
                ? null
                : money(payments, row.control_sum, row.currency),
            ),
            contentHash: row.content_hash,
            createdAt: row.created_at,
            ...present('fetchedAt', row.fetched_at),
            ...present('fetchedBy', row.fetched_by),
          })),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async fetchRailFile({ params, caller, person }) {
      const rail = await carried(params.railId, caller, person);
      const { name, content } = await transaction(payments.db, (trx) =>
        fetchFile(payments, trx, rail.id, params.fileId, actorOf(caller, person)),
      );
      return {
        status: 200,
        body: content,
        headers: {
          'cache-control': 'no-store',
          'content-disposition': `attachment; filename="${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}"`,
        },
      };
    },

    async loadRailReport({ params, body, caller, person }) {
      const rail = await carried(params.railId, caller, person);
      if (rail.adapter !== 'file') throw conflict('This rail is not reached by files');
      return { status: 200, body: await loadStatusReport(payments, rail, body, actorOf(caller, person)) };
    },
  };
}
