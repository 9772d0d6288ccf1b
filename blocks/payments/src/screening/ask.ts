import { sql } from 'kysely';
import type { Batch } from '../batches/read.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { inParallel } from '../rails/in-parallel.ts';
import type { Check } from './checks.ts';
import { screeningService } from './contract.ts';

interface Unscreened {
  id: string;
  version_id: string;
  payee_cipher: Buffer;
  address_cipher: Buffer | null;
  institution_code: string | null;
  amount: string;
  currency: string;
}

const chunkSize = 500;
const atOnce = 4;

async function unscreened(payments: Payments, batch: Batch, check: Check): Promise<Unscreened[]> {
  const { rows } = await sql<Unscreened>`
    select i.id, i.version_id, i.payee_cipher, v.address_cipher, v.institution_code, i.amount, i.currency
    from instruction i
    join mapper_version v on v.id = i.version_id
    where i.batch_id = ${batch.id}
      and i.state = 'received'
      and not exists (
        select
        from screening_result r
        where r.instruction_id = i.id and r.check_id = ${check.id} and r.version_id = i.version_id
      )
    order by i.position`.execute(payments.db);
  return rows;
}

async function askChunk(
  payments: Payments,
  batch: Batch,
  check: Check,
  rows: readonly Unscreened[],
): Promise<void> {
  const { vault } = payments;
  const { body } = await payments.ctx.mediation.client(screeningService, check.service).screen({
    timeout: check.timeout_seconds * 1000,
    body: {
      batchId: batch.id,
      kind: check.kind,
      subjects: rows.map((row) => ({
        reference: row.id,
        payeeIdentity: vault.open(row.payee_cipher, `instruction/${row.id}`),
        ...(check.sends_account && row.address_cipher !== null
          ? { account: vault.open(row.address_cipher, `address/${row.version_id}`) }
          : {}),
        ...(row.institution_code === null ? {} : { institution: row.institution_code }),
        amount: formatAmount(row.amount, payments.currencies(row.currency) ?? 2),
        currency: row.currency,
      })),
    },
  });
  const answers = new Map(body.results.map((one) => [one.reference, one]));
  if (rows.some((row) => !answers.has(row.id)))
    throw new Error(`${check.service} did not answer about every payment`);
  await sql`
    insert into screening_result (instruction_id, check_id, version_id, hit, on_hit, reason_code)
    select r.instruction_id, ${check.id}, r.version_id, r.hit, ${check.on_hit}, r.reason_code
    from unnest(
      ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.version_id)}::uuid[],
      ${rows.map((row) => answers.get(row.id)?.result === 'hit')}::boolean[],
      ${rows.map((row) => answers.get(row.id)?.reasonCode ?? null)}::text[]
    ) as r (instruction_id, version_id, hit, reason_code)
    on conflict on constraint screening_result_pkey do nothing`.execute(payments.db);
}

/** Asks one check about every payment it has not judged yet, and keeps the answers. Throws when it does not answer. */
export async function askCheck(payments: Payments, batch: Batch, check: Check): Promise<void> {
  const rows = await unscreened(payments, batch, check);
  const chunks = Array.from({ length: Math.ceil(rows.length / chunkSize) }, (_, index) =>
    rows.slice(index * chunkSize, (index + 1) * chunkSize),
  );
  await inParallel(chunks, atOnce, (chunk) => askChunk(payments, batch, check, chunk));
}
