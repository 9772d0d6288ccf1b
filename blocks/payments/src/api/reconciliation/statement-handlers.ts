import { badRequest, type Handlers, notFound } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../../payments-context.ts';
import { assignItem, decideProposal, proposeResolution } from '../../reconciliation/decide.ts';
import type { Direction } from '../../reconciliation/files/parsed.ts';
import { listItems, readItem } from '../../reconciliation/items.ts';
import { loadFile } from '../../reconciliation/load-file.ts';
import { listProofs } from '../../reconciliation/proof.ts';
import { reconcileAccounts } from '../../reconciliation/reconcile.ts';
import { creditsReport } from '../../reconciliation/report.ts';
import { type RunCounters, runCounters } from '../../reconciliation/runs.ts';
import { suggestions } from '../../reconciliation/suggest.ts';
import { actorOf, assertOperates, assertTreasury } from '../../sources/access.ts';
import { money, present } from '../admin/views.ts';
import { visibleRun } from '../visible-run.ts';
import type { LineClass } from './classes.ts';
import type { reconciliation } from './operations.ts';
import type * as operations from './statement-operations.ts';
import { itemView, proofView, statementView } from './views.ts';

type StatementHandlers = Pick<Handlers<typeof reconciliation.operations>, keyof typeof operations>;

/** A page of rows, and whether there is another one. */
export const paged = <R, V>(
  rows: readonly R[],
  limit: number,
  view: (row: R) => V,
  key: (row: R) => string,
) => {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(view),
    ...(rows.length > limit && last !== undefined ? { next: key(last) } : {}),
  };
};

/** Statements, their lines, what they leave to people, and what they prove. */
export function statementHandlers(payments: Payments): StatementHandlers {
  const { db } = payments;
  const readStatement = async (id: string) => {
    const row = await db.selectFrom('bank_statement').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw notFound('Statement');
    return row;
  };

  return {
    async loadStatements({ body, query, caller, person }) {
      assertOperates(payments, caller, person);
      if (!body || body.byteLength === 0) throw badRequest('Send the file as the body');
      const loaded = await loadFile(payments, { bytes: body, format: query.format }, actorOf(caller, person));
      return {
        status: 200,
        body: { ...loaded, statements: loaded.statements.map((row) => statementView(payments, row)) },
      };
    },

    async listStatements({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await db
        .selectFrom('bank_statement')
        .selectAll()
        .$if(query.accountId !== undefined, (one) => one.where('account_id', '=', query.accountId as string))
        .$if(query.currency !== undefined, (one) => one.where('currency', '=', query.currency as string))
        .$if(query.before !== undefined, (one) => one.where('id', '<', query.before as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return {
        status: 200,
        body: paged(
          rows,
          limit,
          (row) => statementView(payments, row),
          (row) => row.id,
        ),
      };
    },

    async getStatement({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      const row = await readStatement(params.statementId);
      const { rows } = await sql<{
        class: LineClass;
        direction: Direction;
        count: string;
        amount: string;
        settled: string;
      }>`
        select class, direction, count(*) as count, sum(amount) as amount, count(*) filter (where settled) as settled
        from statement_line
        where statement_id = ${row.id} and class is not null
        group by class, direction
        order by class, direction`.execute(db);
      return {
        status: 200,
        body: {
          ...statementView(payments, row),
          classes: rows.map((one) => ({
            ...one,
            count: Number(one.count),
            amount: money(payments, one.amount, row.currency),
            settled: Number(one.settled),
          })),
        },
      };
    },

    async listStatementLines({ params, query, caller, person }) {
      assertTreasury(payments, caller, person);
      const statement = await readStatement(params.statementId);
      const limit = query.limit ?? 100;
      const rows = await db
        .selectFrom('statement_line')
        .selectAll()
        .where('statement_id', '=', statement.id)
        .$if(query.class !== undefined, (one) => one.where('class', '=', query.class as LineClass))
        .$if(query.after !== undefined, (one) => one.where('position', '>', query.after as number))
        .orderBy('position')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            lineId: row.id,
            position: row.position,
            direction: row.direction,
            amount: money(payments, row.amount, row.currency),
            currency: row.currency,
            bookedOn: row.booked_on,
            ...present('endToEndId', row.end_to_end_id),
            ...present('railReference', row.rail_reference),
            ...present('entryReference', row.entry_reference),
            ...present(
              'description',
              row.description_cipher === null
                ? null
                : payments.vault.open(row.description_cipher, `statement-line/${row.id}`),
            ),
            ...present('class', row.class),
            ...present('paymentId', row.payment_id),
            ...present('batchId', row.batch_id),
            settled: row.settled,
            ...present('pairLineId', row.pair_id),
          })),
          ...(rows.length > limit ? { next: items.at(-1)?.position as number } : {}),
        },
      };
    },

    async listWorklist({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listItems(db, { ...query, limit: limit + 1 });
      return {
        status: 200,
        body: paged(
          rows,
          limit,
          (row) => itemView(payments, row),
          (row) => row.id,
        ),
      };
    },

    async getWorklistItem({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      return { status: 200, body: itemView(payments, await readItem(db, params.itemId)) };
    },

    async assignItem({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const item = await assignItem(payments, params.itemId, { caller, person }, body.owner);
      return { status: 200, body: itemView(payments, item) };
    },

    async getSuggestions({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      return { status: 200, body: { items: await suggestions(db, await readItem(db, params.itemId)) } };
    },

    async proposeResolution({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const item = await proposeResolution(payments, params.itemId, { caller, person }, body);
      return { status: 200, body: itemView(payments, item) };
    },

    async acceptResolution({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const decision = { ...body, accept: true };
      const item = await decideProposal(payments, params.itemId, { caller, person }, decision);
      return { status: 200, body: itemView(payments, item) };
    },

    async declineResolution({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const decision = { ...body, accept: false };
      const item = await decideProposal(payments, params.itemId, { caller, person }, decision);
      return { status: 200, body: itemView(payments, item) };
    },

    async makeProofs({ caller, person }) {
      assertOperates(payments, caller, person);
      const proofs = await reconcileAccounts(payments);
      return { status: 200, body: { items: proofs.map((row) => proofView(payments, row)) } };
    },

    async listProofs({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listProofs(db, { ...query, limit: limit + 1 });
      return {
        status: 200,
        body: paged(
          rows,
          limit,
          (row) => proofView(payments, row),
          (row) => row.id,
        ),
      };
    },

    async getRunReconciliation({ params, caller, person }) {
      const batch = await visibleRun(payments, params.batchId, caller, person);
      const { counters, closedAt } = await runCounters(db, batch.id);
      const of = (name: RunCounters['name']) => {
        const found = counters.find((one) => one.name === name);
        return { count: found?.count ?? 0, amount: money(payments, found?.amount ?? '0', batch.currency) };
      };
      return {
        status: 200,
        body: {
          batchId: batch.id,
          currency: batch.currency,
          shipped: of('shipped'),
          paid: of('paid'),
          reconciled: of('reconciled'),
          decided: of('decided'),
          missing: of('missing'),
          reversed: of('reversed'),
          open: of('open'),
          ...present('closedAt', closedAt),
        },
      };
    },

    async getCreditsReport({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const [from, to] = [new Date(query.from), new Date(query.to)];
      if (from >= to || to.getTime() - from.getTime() > 366 * 86_400_000)
        throw badRequest('The report is about a time of at most a year');
      const rows = await creditsReport(payments, db, { from, to, currency: query.currency });
      const number = (text: string | null) => (text === null ? null : Number(text));
      return {
        status: 200,
        body: {
          items: rows.map((row) => {
            const text = (minor: string) => money(payments, minor, row.currency);
            return {
              sourceId: row.source_id,
              programmeId: row.programme_id,
              railId: row.rail_id,
              modality: row.modality,
              currency: row.currency,
              paid: { count: Number(row.paid_count), amount: text(row.paid_amount) },
              fees: text(row.fee_amount),
              returned: { count: Number(row.returned_count), amount: text(row.returned_amount) },
              reconciled: { count: Number(row.reconciled_count), amount: text(row.reconciled_amount) },
              ...present('secondsToCredit', number(row.seconds_to_credit)),
              ...present('longestSecondsToCredit', number(row.longest_seconds_to_credit)),
              ...present('daysToStatement', number(row.days_to_statement)),
            };
          }),
        },
      };
    },
  };
}
