import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { isUuid } from '../uuid.ts';

export interface Found {
  readonly kind:
    | 'batch'
    | 'instruction'
    | 'payee'
    | 'receipt'
    | 'dispute'
    | 'case'
    | 'callback'
    | 'rail-notice';
  readonly id: string;
  readonly sourceId: string | undefined;
  readonly batchId: string | undefined;
  readonly state: string | undefined;
  /** By which of its references it was found. */
  readonly by: string;
  readonly at: string;
}

interface Row {
  kind: Found['kind'];
  id: string;
  source_id: string | null;
  batch_id: string | null;
  state: string | null;
  found_by: string;
  at: string;
}

const mostEach = 50;

/** The one text that finds everything that carries it, each kind of record by the ids it is known under. */
async function byReference(payments: Payments, text: string): Promise<Row[]> {
  const id = isUuid(text) ? text.toLowerCase() : null;
  const number = /^[0-9]{1,18}$/.test(text) ? text : null;
  const { rows } = await sql<Row>`
    (select 'batch' as kind, b.id::text as id, b.source_id, b.id::text as batch_id, b.state, 'id' as found_by,
        b.created_at as at
      from batch b where b.id = ${id}::uuid)
    union all
    (select 'batch', b.id::text, b.source_id, b.id::text, b.state, 'source-id', b.created_at
      from source_system s
      join batch b on b.source_id = s.id and b.purpose in ('payment', 'validation') and b.client_batch_id = ${text}
      limit ${mostEach})
    union all
    (select 'batch', b.id::text, b.source_id, b.id::text, b.state, 'correlation-id', b.created_at
      from batch b where b.correlation_id = ${text}
      limit ${mostEach})
    union all
    (select 'batch', b.id::text, b.source_id, b.id::text, b.state, 'sub-batch', b.created_at
      from sub_batch u join batch b on b.id = u.batch_id where u.id = ${id}::uuid)
    union all
    (select 'instruction', i.id::text, i.source_id, i.batch_id::text, i.state, 'id', i.created_at
      from instruction i where i.id = ${id}::uuid)
    union all
    (select 'instruction', i.id::text, i.source_id, i.batch_id::text, i.state, 'source-id', i.created_at
      from source_system s
      join instruction i on i.source_id = s.id and i.purpose = 'payment' and i.client_id = ${text}
      limit ${mostEach})
    union all
    (select 'instruction', i.id::text, i.source_id, i.batch_id::text, i.state, 'rail-reference', i.created_at
      from instruction_reference r join instruction i on i.id = r.instruction_id
      where r.rail_reference = ${text}
      limit ${mostEach})
    union all
    (select 'receipt', r.instruction_id::text, r.source_id, r.batch_id::text, null, 'number', r.paid_at
      from receipt r where r.number = ${number}::bigint)
    union all
    (select 'dispute', d.id::text, d.source_id, d.batch_id::text, d.state, 'payment', d.opened_at
      from dispute d where d.instruction_id = ${id}::uuid or d.id = ${id}::uuid
      limit ${mostEach})
    union all
    (select 'case', c.id::text, null, c.batch_id::text, c.state, 'payment', c.opened_at
      from payment_case c where c.id = ${id}::uuid or c.instruction_id = ${id}::uuid or c.batch_id = ${id}::uuid
      limit ${mostEach})
    union all
    (select 'callback', c.id::text, c.source_id, null, c.state, 'id', c.created_at
      from callback c where c.id = ${id}::uuid)
    union all
    (select 'rail-notice', n.event_id, null, null, null, 'event-id', n.received_at
      from rail r join rail_notice n on n.rail_id = r.id and n.event_id = ${text}
      limit ${mostEach})`.execute(payments.db);
  return rows;
}

/** A payee's payments and entries in the mapper, whichever source they come from; the identity is compared by token. */
async function byPayee(payments: Payments, payeeIdentity: string): Promise<Row[]> {
  const sources = await payments.db
    .selectFrom('source_system')
    .select('id')
    .orderBy('id')
    .limit(1000)
    .execute();
  const ids = sources.map((row) => row.id);
  const tokens = ids.map((id) => payments.vault.token(payeeIdentity, `payee/${id}`));
  const { rows } = await sql<Row>`
    with payee as (
      select source_id, token from unnest(${ids}::text[], ${tokens}::bytea[]) as p (source_id, token)
    )
    (select 'payee' as kind, e.id::text as id, e.source_id, null as batch_id,
        case when v.active then 'active' else 'inactive' end as state, 'payee' as found_by, v.created_at as at
      from payee p
      join mapper_entry e on e.source_id = p.source_id and e.payee_token = p.token
      join mapper_version v on v.id = e.current_version)
    union all
    (select 'instruction', i.id::text, i.source_id, i.batch_id::text, i.state, 'payee', i.created_at
      from payee p
      join instruction i on i.source_id = p.source_id and i.payee_token = p.token
      order by i.id desc
      limit ${mostEach})`.execute(payments.db);
  return rows;
}

/**
 * Finds runs, payments, payees, receipts, disputes, cases and messages by any reference they are known under: our ids,
 * the source's, the rail's, a correlation id, a receipt's number, or the payee (PAY-6.1-af). At most fifty of each.
 */
export async function search(
  payments: Payments,
  query: { readonly reference?: string | undefined; readonly payeeIdentity?: string | undefined },
): Promise<Found[]> {
  const rows = [
    ...(query.reference === undefined ? [] : await byReference(payments, query.reference)),
    ...(query.payeeIdentity === undefined ? [] : await byPayee(payments, query.payeeIdentity)),
  ];
  return rows.map((row) => ({
    kind: row.kind,
    id: row.id,
    sourceId: row.source_id ?? undefined,
    batchId: row.batch_id ?? undefined,
    state: row.state ?? undefined,
    by: row.found_by,
    at: row.at,
  }));
}
