import { newId, notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import type { Sealing } from './sealing.ts';

type Db = Kysely<RegistryTables>;

export interface UsageQuestion {
  readonly id: string;
  readonly entry: string;
  readonly question: string;
  readonly askedAt: string;
  readonly answer: string | null;
  readonly answeredAt: string | null;
}

/** A person asks about an entry that is about them; any other is not there. */
export async function askQuestion(
  db: Db,
  sealing: Sealing,
  { owner, entry, person, subject }: { owner: string; entry: string; person: string; subject: Buffer },
  question: string,
): Promise<string> {
  const id = newId();
  const { numAffectedRows } = await sql`
    insert into usage_question (id, owner, entry, person, question, asked_at)
    select ${id}::uuid, ${owner}, l.id, ${person}, ${sealing.seal(question, id)}, now()
    from read_log l
    left join registry r on r.id = l.registry_id
    where l.id = ${entry}::uuid and l.subjects @> array[${subject}]::bytea[] and coalesce(r.owner, l.owner) = ${owner}
    limit 1`.execute(db);
  if (numAffectedRows !== 1n) throw notFound('Entry');
  return id;
}

/** Questions about entries of an owner, newest first; of one person when given. */
export async function listQuestions(
  db: Db,
  sealing: Sealing,
  owner: string,
  person: string | undefined,
): Promise<UsageQuestion[]> {
  const { rows } = await sql<{
    id: string;
    entry: string;
    question: Buffer;
    asked_at: string;
    answer: Buffer | null;
    answered_at: string | null;
  }>`
    select id, entry, question, asked_at, answer, answered_at
    from usage_question
    where owner = ${owner} and ${person === undefined ? sql`true` : sql`person = ${person}`}
    order by asked_at desc
    limit 500`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    entry: row.entry,
    question: sealing.open(row.question, row.id),
    askedAt: new Date(row.asked_at).toISOString(),
    answer: row.answer && sealing.open(row.answer, row.id),
    answeredAt: row.answered_at && new Date(row.answered_at).toISOString(),
  }));
}

export async function answerQuestion(
  db: Db,
  sealing: Sealing,
  owner: string,
  id: string,
  answer: string,
  by: string,
): Promise<void> {
  const { numAffectedRows } = await sql`
    update usage_question
    set answer = ${sealing.seal(answer, id)}, answered_by = ${by}, answered_at = now()
    where id = ${id}::uuid and owner = ${owner}`.execute(db);
  if (numAffectedRows !== 1n) throw notFound('Question');
}
