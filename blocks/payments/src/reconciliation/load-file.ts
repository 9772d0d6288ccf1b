import { createHash } from 'node:crypto';
import { conflict, newId, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { PaymentsTables, Trx } from '../tables.ts';
import { fundingAccountOf } from './accounts.ts';
import type { ParsedEntry, ParsedStatement, StatementFormat } from './files/parsed.ts';
import { readStatementFile } from './files/read-file.ts';

export type BankStatement = Selectable<PaymentsTables['bank_statement']>;

const chunkSize = 5_000;

/** Keeps lines as the bank told them; what people could read in them lies sealed. */
async function storeLines(
  payments: Payments,
  trx: Trx,
  statement: { readonly id: string; readonly account_id: string; readonly currency: string },
  entries: readonly ParsedEntry[],
  first: number,
): Promise<void> {
  for (let from = 0; from < entries.length; from += chunkSize) {
    const rows = entries.slice(from, from + chunkSize).map((entry) => ({ ...entry, id: newId() }));
    const column = <T>(pick: (row: (typeof rows)[number]) => T): T[] => rows.map(pick);
    await sql`
      insert into statement_line
        (id, statement_id, account_id, position, direction, amount, currency, booked_on, value_on, entry_reference,
         end_to_end_id, rail_reference, code, description_cipher)
      select
        r.id, ${statement.id}, ${statement.account_id}, ${first + from}::integer + r.number::integer - 1, r.direction,
        r.amount, ${statement.currency}, r.booked_on, r.value_on, r.entry_reference, r.end_to_end_id,
        r.rail_reference, r.code, r.description
      from unnest(
        ${column((row) => row.id)}::uuid[],
        ${column((row) => row.direction)}::text[],
        ${column((row) => row.amount.toString())}::bigint[],
        ${column((row) => row.bookedOn)}::date[],
        ${column((row) => row.valueOn ?? null)}::date[],
        ${column((row) => row.entryReference ?? null)}::text[],
        ${column((row) => row.endToEndId ?? null)}::text[],
        ${column((row) => row.railReference ?? null)}::text[],
        ${column((row) => row.code ?? null)}::text[],
        ${column((row) =>
          row.description === undefined
            ? null
            : payments.vault.seal(row.description, `statement-line/${row.id}`),
        )}::bytea[]
      ) with ordinality as r
        (id, direction, amount, booked_on, value_on, entry_reference, end_to_end_id, rail_reference, code, description,
         number)`.execute(trx);
  }
}

/** The balance with which the books of an account begin, as a line of its first statement. */
const openingEntry = (statement: ParsedStatement): ParsedEntry => ({
  entryReference: undefined,
  bookedOn: statement.from.toISOString().slice(0, 10),
  valueOn: undefined,
  direction: statement.opening > 0n ? 'credit' : 'debit',
  amount: statement.opening > 0n ? statement.opening : -statement.opening,
  endToEndId: undefined,
  railReference: undefined,
  code: undefined,
  description: undefined,
});

async function store(
  payments: Payments,
  trx: Trx,
  fileId: string,
  statement: ParsedStatement,
): Promise<string> {
  const accountId = await fundingAccountOf(payments, trx, statement.account, statement.currency);
  // Statements of one account follow each other.
  await sql`select pg_advisory_xact_lock(hashtext('payments/statement/' || ${accountId}))`.execute(trx);
  const { rows } = await sql<{ closing: string; first: string }>`
    select
      (array_agg(s.closing order by s.to_at desc, s.id desc) filter (where s.to_at <= ${statement.to}))[1] as closing,
      min(s.from_at) as first
    from bank_statement s
    where s.account_id = ${accountId} and s.kind = 'statement'
    having count(*) > 0`.execute(trx);
  const [known] = rows;
  const counts = statement.kind === 'statement';
  if (counts && known && new Date(known.first) > statement.to)
    throw conflict('The statement lies before the first one that was loaded; the books begin with that one');
  const id = newId();
  const inserted = await trx
    .insertInto('bank_statement')
    .values({
      id,
      file_id: fileId,
      account_id: accountId,
      kind: statement.kind,
      statement_id: statement.statementId,
      currency: statement.currency,
      opening: statement.opening.toString(),
      closing: statement.closing.toString(),
      from_at: statement.from,
      to_at: statement.to,
      entry_count: statement.entries.length,
      continuous:
        !counts || !known || (known.closing !== null && BigInt(known.closing) === statement.opening),
    })
    .onConflict((clash) => clash.constraint('bank_statement_client_key').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!inserted)
    throw conflict(`Statement ${statement.statementId} of this account was loaded before, from another file`);
  const begins = counts && !known && statement.opening !== 0n;
  const row = { id, account_id: accountId, currency: statement.currency };
  if (begins) await storeLines(payments, trx, row, [openingEntry(statement)], 0);
  await storeLines(payments, trx, row, statement.entries, 1);
  return id;
}

/**
 * Loads a file of statements, whole or not at all; durable when it returns, its lines are looked at right after. The same
 * file again answers the same statements. Throws a 400 for a file that cannot be read, does not add up or is of an
 * unknown account, a 409 for another file with a statement id that is known.
 */
export async function loadFile(
  payments: Payments,
  file: { readonly bytes: Uint8Array; readonly format: StatementFormat },
  actor: string,
): Promise<{ fileId: string; repeated: boolean; statements: BankStatement[] }> {
  const hash = createHash('sha256').update(file.bytes).digest('hex');
  const result = await transaction(payments.db, async (trx) => {
    const id = newId();
    const inserted = await trx
      .insertInto('bank_file')
      .values({ id, hash, format: file.format, size: file.bytes.byteLength, loaded_by: actor })
      .onConflict((clash) => clash.constraint('bank_file_hash_key').doNothing())
      .returning('id')
      .executeTakeFirst();
    const known = inserted
      ? undefined
      : await trx.selectFrom('bank_file').select('id').where('hash', '=', hash).executeTakeFirstOrThrow();
    if (!known) {
      const parsed = readStatementFile(
        file.bytes,
        file.format,
        payments.currencies,
        payments.config.maximumStatementEntries,
      );
      for (const statement of parsed) await store(payments, trx, id, statement);
      await audit(trx, {
        component: 'reconciliation',
        action: 'load-statement',
        subject: `bank-file/${id}`,
        actor,
        detail: { format: file.format, size: file.bytes.byteLength, statements: parsed.length },
      });
    }
    const fileId = known?.id ?? id;
    const statements = await trx
      .selectFrom('bank_statement')
      .selectAll()
      .where('file_id', '=', fileId)
      .orderBy('id')
      .execute();
    return { fileId, repeated: known !== undefined, statements };
  });
  payments.wake();
  return result;
}
