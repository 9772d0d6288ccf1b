import { sql } from 'kysely';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { inParallel } from '../rails/in-parallel.ts';
import type { Rail } from '../rails/port.ts';
import { adapterOf, listRails, railContext } from '../rails/registry.ts';
import type { Batch } from './read.ts';

interface Unchecked {
  version_id: string;
  institution_code: string | null;
  address_cipher: Buffer;
  amount: string;
}

const chunkSize = 500;

/** Accounts of the batch that a rail has not judged recently, for as large an amount. */
const uncheckedOf = async (payments: Payments, batch: Batch, rail: Rail): Promise<Unchecked[]> => {
  const { rows } = await sql<Unchecked>`
    select v.id as version_id, v.institution_code, v.address_cipher, max(i.amount) as amount
    from instruction i
    join mapper_version v on v.id = i.version_id
    left join account_check c
      on c.version_id = i.version_id
      and c.rail_id = i.rail_id
      and c.amount >= i.amount
      and c.checked_at > now() - make_interval(secs => ${payments.config.validationValidSeconds})
    where i.batch_id = ${batch.id}
      and i.state = 'received'
      and i.rail_id = ${rail.id}
      and c.version_id is null
      and v.address_cipher is not null
    group by v.id
    order by v.id`.execute(payments.db);
  return rows;
};

async function checkChunk(
  payments: Payments,
  batch: Batch,
  rail: Rail,
  chunk: readonly Unchecked[],
): Promise<void> {
  const exponent = payments.currencies(batch.currency) ?? 2;
  const failures = await adapterOf(rail).validate(railContext(payments, rail), {
    batchId: batch.id,
    currency: batch.currency,
    accounts: chunk.map((row) => ({
      reference: row.version_id,
      address: payments.vault.open(row.address_cipher, `address/${row.version_id}`),
      institution: row.institution_code ?? undefined,
      amount: formatAmount(row.amount, exponent),
    })),
  });
  await sql`
    insert into account_check (version_id, rail_id, reason_code, amount, checked_at)
    select r.version_id, ${rail.id}, r.reason_code, r.amount, now()
    from unnest(
      ${chunk.map((row) => row.version_id)}::uuid[],
      ${chunk.map((row) => failures.get(row.version_id) ?? null)}::text[],
      ${chunk.map((row) => row.amount)}::bigint[]
    ) as r (version_id, reason_code, amount)
    order by r.version_id
    on conflict on constraint account_check_pkey do update
      set reason_code = excluded.reason_code,
          amount = excluded.amount,
          checked_at = excluded.checked_at`.execute(payments.db);
}

/**
 * Asks each rail which accounts of the batch it cannot credit, in chunks, and keeps the answers: they stay good for a
 * while, so a run that follows its pre-payment validation does not ask again (PAY-9.1.2). Throws when a rail does not
 * answer; what was answered is kept.
 */
export async function checkAccounts(payments: Payments, batch: Batch): Promise<void> {
  for (const rail of await listRails(payments.db)) {
    const rows = await uncheckedOf(payments, batch, rail);
    const chunks = Array.from({ length: Math.ceil(rows.length / chunkSize) }, (_, index) =>
      rows.slice(index * chunkSize, (index + 1) * chunkSize),
    );
    await inParallel(chunks, Math.min(4, rail.concurrency), (chunk) =>
      checkChunk(payments, batch, rail, chunk),
    );
  }
}
