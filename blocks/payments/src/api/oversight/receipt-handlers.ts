import {
  badRequest,
  type Caller,
  forbidden,
  type Handlers,
  notFound,
  type Person,
  transaction,
} from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { assertMayAudit, scopeOf } from '../../audit/access.ts';
import { audit } from '../../audit/audit.ts';
import { resend } from '../../callbacks/resend.ts';
import type { Payments } from '../../payments-context.ts';
import {
  type Acknowledgement,
  acknowledge,
  acknowledgementsOf,
  type Receipt,
  readReceipt,
  receiptsOfPayee,
} from '../../receipts/read.ts';
import { assertSignedBySource } from '../../signatures/verify.ts';
import { actorOf, assertAdministers, maySee } from '../../sources/access.ts';
import { readSource, sourceOfCaller } from '../../sources/source.ts';
import type { PaymentsTables } from '../../tables.ts';
import { money, present } from '../admin/views.ts';
import { ownerOf } from '../visible-run.ts';
import { isApplication, isPayee } from './owner.ts';
import { receiptOperations } from './receipt-operations.ts';
import { pageOf } from './shapes.ts';

type Notice = Pick<
  Selectable<PaymentsTables['callback']>,
  | 'id'
  | 'source_id'
  | 'recipient'
  | 'kind'
  | 'target'
  | 'state'
  | 'attempts'
  | 'last_status'
  | 'correlation_id'
  | 'created_at'
  | 'delivered_at'
>;

const noticeColumns = [
  'id',
  'source_id',
  'recipient',
  'kind',
  'target',
  'state',
  'attempts',
  'last_status',
  'correlation_id',
  'created_at',
  'delivered_at',
] as const;

/** Receipts for sources, officers and payees; copies of what was sent. */
export function receiptHandlers(payments: Payments): Handlers<typeof receiptOperations> {
  const { db } = payments;

  const views = async (rows: readonly Receipt[]) => {
    const ids = rows.map((row) => row.instruction_id);
    const known = await acknowledgementsOf(db, ids);
    const { rows: back } = await sql<{ id: string }>`
      select id from instruction where id = any (${ids}::uuid[]) and state = 'returned'`.execute(db);
    const returned = new Set(back.map((row) => row.id));
    return rows.map((row) => ({
      receiptNumber: row.number,
      transactionId: row.instruction_id,
      requestId: row.client_id,
      batchId: row.batch_id,
      paidAt: row.paid_at,
      amount: money(payments, row.amount, row.currency),
      currency: row.currency,
      ...present('reason', row.narration),
      payer: { sourceId: row.source_id, programmeId: row.programme_id, ...row.payer },
      payeeToken: row.payee_token.toString('hex'),
      rail: row.rail_id,
      ...present('railReference', row.rail_reference),
      returned: returned.has(row.instruction_id),
      hash: row.hash,
      acknowledgements: known
        .filter((one) => one.instruction_id === row.instruction_id)
        .map(({ party, at }) => ({ party, at })),
    }));
  };

  /** As what the caller may read the receipt; for anybody else there is none. */
  const partyTo = async (
    receipt: Receipt,
    caller: Caller,
    person: Person | undefined,
  ): Promise<Acknowledgement['party']> => {
    if (isPayee(payments, receipt, person)) return 'payee';
    const owner = await ownerOf(db, receipt);
    if (isApplication(owner.application, caller, person)) return 'source';
    if (maySee(payments, owner, caller, person)) return person ? 'officer' : 'source';
    throw notFound('Receipt');
  };

  const noticeView = (row: Notice) => ({
    noticeId: row.id,
    ...present('sourceId', row.source_id),
    recipient: row.recipient,
    kind: row.kind,
    target: row.target.kind === 'service' ? row.target.service : new URL(row.target.url).origin,
    state: row.state,
    overdue:
      row.state === 'waiting' &&
      payments.ctx.now().getTime() - Date.parse(row.created_at) > payments.config.noticeOverdueSeconds * 1000,
    attempts: row.attempts,
    ...present('lastStatus', row.last_status),
    correlationId: row.correlation_id,
    createdAt: row.created_at,
    ...present('deliveredAt', row.delivered_at),
  });

  return {
    async getReceipt({ params, caller, person }) {
      const receipt = await readReceipt(db, params.instructionId);
      await partyTo(receipt, caller, person);
      const [view] = await views([receipt]);
      if (!view) throw notFound('Receipt');
      return { status: 200, body: view };
    },

    async listPayeeReceipts({ body, caller, person }) {
      const source =
        body.sourceId === undefined
          ? await sourceOfCaller(db, caller.application)
          : await readSource(db, body.sourceId);
      const own = body.payeeIdentity === undefined || body.payeeIdentity === person?.id;
      const payee = body.payeeIdentity ?? person?.id;
      if (payee === undefined) throw badRequest('payeeIdentity names the payee when nobody is signed in');
      if (!(own && person)) {
        const owners = await db
          .selectFrom('programme')
          .select('agency')
          .where('source_id', '=', source.id)
          .execute();
        const agencies = [...new Set(owners.map((row) => row.agency))];
        const may = agencies.length === 1 ? agencies[0] : undefined;
        if (!maySee(payments, { application: source.application, agency: may }, caller, person))
          throw notFound('Source');
      }
      const limit = body.limit ?? 50;
      const token = payments.vault.token(payee, `payee/${source.id}`);
      const { items, next } = pageOf(
        await receiptsOfPayee(db, source.id, token, {
          ...(body.before === undefined ? {} : { before: body.before }),
          limit: limit + 1,
        }),
        limit,
        (row) => row.number,
      );
      return { status: 200, body: { items: await views(items), ...next } };
    },

    async acknowledgeReceipt(asking) {
      const { params, body, caller, person } = asking;
      const receipt = await readReceipt(db, params.instructionId);
      const own = await partyTo(receipt, caller, person);
      const source = { id: receipt.source_id, ...(await ownerOf(db, receipt)) };
      await assertSignedBySource(payments, source, receiptOperations.acknowledgeReceipt, asking);
      if (body.forPayee === true && own !== 'source')
        throw forbidden('Only its source confirms a receipt for a payee');
      const party = body.forPayee === true ? 'payee' : own;
      const actor = actorOf(caller, person);
      await transaction(db, async (trx) => {
        await acknowledge(trx, receipt, { party, actor, hash: body.hash });
        await audit(trx, {
          component: 'receipts',
          action: 'acknowledge',
          subject: `receipt/${receipt.number}`,
          actor,
          detail: { party },
        });
      });
      const [view] = await views([receipt]);
      if (!view) throw notFound('Receipt');
      return { status: 200, body: view };
    },

    async listNotices({ query, caller, person }) {
      const scope = await scopeOf(payments, caller, person);
      if (scope.agency !== undefined) throw forbidden('Messages are shown to their source and the treasury');
      const limit = query.limit ?? 100;
      const sourceId = scope.sourceId ?? query.sourceId;
      const rows = await db
        .selectFrom('callback')
        .select(noticeColumns)
        .$if(sourceId !== undefined, (some) => some.where('source_id', '=', sourceId as string))
        .$if(query.state !== undefined, (some) => some.where('state', '=', query.state as 'waiting'))
        .$if(query.overdue === true, (some) =>
          some
            .where('state', '=', 'waiting')
            .where(
              sql<boolean>`created_at < now() - make_interval(secs => ${payments.config.noticeOverdueSeconds})`,
            ),
        )
        .$if(query.before !== undefined, (some) => some.where('id', '<', query.before as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const { items, next } = pageOf(rows, limit, (row) => row.id);
      return { status: 200, body: { items: items.map(noticeView), ...next } };
    },

    async resendNotice({ params, caller, person }) {
      assertAdministers(payments, caller, person);
      await resend(payments, params.noticeId, actorOf(caller, person));
      const row = await db
        .selectFrom('callback')
        .select(noticeColumns)
        .where('id', '=', params.noticeId)
        .executeTakeFirstOrThrow();
      return { status: 200, body: noticeView(row) };
    },

    async getNotice({ params, caller, person }) {
      const row = await db
        .selectFrom('callback')
        .select([...noticeColumns, 'body_cipher'])
        .where('id', '=', params.noticeId)
        .executeTakeFirst();
      if (!row) throw notFound('Message');
      const own =
        row.source_id !== null &&
        isApplication((await readSource(db, row.source_id)).application, caller, person);
      if (!own) {
        try {
          assertMayAudit(payments, caller, person);
        } catch {
          throw notFound('Message');
        }
        await audit(db, {
          component: 'notices',
          action: 'read',
          subject: `callback/${row.id}`,
          actor: actorOf(caller, person),
        });
      }
      // Voucher numbers are shown to their source alone, and no copy of them is kept once they have arrived.
      const secret = !own && row.kind.startsWith('voucher-');
      const body =
        secret || row.body_cipher.length === 0
          ? null
          : (JSON.parse(payments.vault.open(row.body_cipher, `callback/${row.id}`)) as unknown);
      return { status: 200, body: { ...noticeView(row), body } };
    },
  };
}
