import { conflict, notFound, transaction } from '@govstack/platform';
import { type Kysely, type Selectable, type SqlBool, sql, type Transaction } from 'kysely';
import type { MediatorTables, RegistrationRequestTable } from '../tables.ts';

type Row = Selectable<RegistrationRequestTable>;

export type RequestKind = 'member' | 'application' | 'access';
export type RequestState = 'WAITING' | 'SUBMITTED_FOR_APPROVAL' | 'APPROVED' | 'DECLINED' | 'REVOKED';

export interface NewRequest {
  readonly id: string;
  readonly kind: RequestKind;
  /** The member, application or service it is about. */
  readonly subject: string;
  /** The application that provides the service; undefined: the ecosystem's administrators decide. */
  readonly provider: string | undefined;
  readonly document: Record<string, unknown>;
  /** The member for which it is made. */
  readonly agency: string;
  readonly requestedBy: string;
}

export interface RegistrationRequest {
  readonly id: string;
  readonly kind: RequestKind;
  readonly subject: string;
  readonly document: Record<string, unknown>;
  readonly state: RequestState;
  readonly agency: string;
  readonly requestedBy: string;
  readonly requestedAt: string;
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly reason: string | null;
}

export const requestOf = (row: Row): RegistrationRequest => ({
  id: row.id,
  kind: row.kind,
  subject: row.subject,
  document: row.document as Record<string, unknown>,
  state: row.state as RequestState,
  agency: row.agency,
  requestedBy: row.requested_by,
  requestedAt: row.requested_at as string,
  decidedBy: row.decided_by,
  decidedAt: row.decided_at as string | null,
  reason: row.reason,
});

/** Files a request, WAITING. The same again changes nothing; another one under the same id is refused. */
export async function fileRequest(
  db: Kysely<MediatorTables>,
  request: NewRequest,
): Promise<RegistrationRequest> {
  const document = JSON.stringify(request.document);
  await db
    .insertInto('registration_request')
    .values({
      id: request.id,
      kind: request.kind,
      subject: request.subject,
      provider: request.provider ?? null,
      document,
      agency: request.agency,
      requested_by: request.requestedBy,
    })
    .onConflict((found) => found.doNothing())
    .execute();
  const row = await db
    .selectFrom('registration_request')
    .selectAll()
    .select(sql<boolean>`document = ${document}::jsonb`.as('same'))
    .where('id', '=', request.id)
    .executeTakeFirstOrThrow();
  const { same, ...stored } = row;
  if (!same || row.kind !== request.kind || row.subject !== request.subject || row.agency !== request.agency)
    throw conflict('There is another request under this id');
  return requestOf(stored);
}

export async function findRequest(db: Kysely<MediatorTables>, id: string): Promise<Row> {
  const row = await db.selectFrom('registration_request').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('This request');
  return row;
}

/**
 * Takes a request from one state to the next, with what follows from it, or not at all. A request that is already
 * there stays as it is; from any other state it is refused (IM-6.2-j).
 */
export function moveRequest(
  db: Kysely<MediatorTables>,
  id: string,
  step: {
    readonly from: RequestState;
    readonly to: RequestState;
    readonly by?: string;
    readonly reason?: string | undefined;
  },
  effect: (trx: Transaction<MediatorTables>) => Promise<void> = async () => {},
): Promise<RegistrationRequest> {
  return transaction(db, async (trx) => {
    const row = await trx
      .selectFrom('registration_request')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw notFound('This request');
    if (row.state === step.to) return requestOf(row);
    if (row.state !== step.from) throw conflict(`The request is ${row.state}: it cannot become ${step.to}`);
    await effect(trx);
    const moved = await trx
      .updateTable('registration_request')
      .set({
        state: step.to,
        ...(step.by === undefined ? {} : { decided_by: step.by, decided_at: sql`now()` }),
        ...(step.reason === undefined ? {} : { reason: step.reason }),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return requestOf(moved);
  });
}

/**
 * Requests in the order of their ids, one more than `limit` when there are more. `part`: those that a member or
 * application made or has to decide; undefined: all.
 */
export async function listRequests(
  db: Kysely<MediatorTables>,
  filter: {
    readonly state: RequestState | undefined;
    readonly kind: RequestKind | undefined;
    readonly part: string | undefined;
    /** Those that somebody made; undefined: anybody. */
    readonly requestedBy: string | undefined;
    readonly after: string;
    readonly limit: number;
  },
): Promise<RegistrationRequest[]> {
  const prefix = `${filter.part ?? ''}/`;
  const rows = await db
    .selectFrom('registration_request')
    .selectAll()
    .where(sql<SqlBool>`id::text > ${filter.after}`)
    .where(sql<SqlBool>`(${filter.part === undefined} or agency = ${filter.part ?? ''}
      or starts_with(provider || '/', ${prefix}) or starts_with(subject || '/', ${prefix})
      or starts_with(document ->> 'consumer' || '/', ${prefix}))`)
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as RequestState))
    .$if(filter.kind !== undefined, (query) => query.where('kind', '=', filter.kind as RequestKind))
    .$if(filter.requestedBy !== undefined, (query) =>
      query.where('requested_by', '=', filter.requestedBy as string),
    )
    .orderBy(sql`id::text`)
    .limit(filter.limit + 1)
    .execute();
  return rows.map(requestOf);
}
