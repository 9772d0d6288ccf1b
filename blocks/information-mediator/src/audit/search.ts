import { type Kysely, sql } from 'kysely';
import type { Scope } from '../evidence/exchanges.ts';
import type { MediatorTables } from '../tables.ts';

/** What became of an act; `unknown`: the process ended before it could say. */
export type AuditOutcome = 'done' | 'refused' | 'failed' | 'unknown';

export interface AuditFilter {
  readonly person?: string;
  readonly agency?: string;
  readonly operation?: string;
  readonly outcome?: AuditOutcome;
  readonly from?: string;
  readonly to?: string;
}

const outcome = sql<AuditOutcome>`case
  when audit_outcome.status is null then 'unknown'
  when audit_outcome.status < 400 then 'done'
  when audit_outcome.status < 500 then 'refused'
  else 'failed'
end`;

/** Administrative acts within a scope, the newest first. */
export async function searchAudit(
  db: Kysely<MediatorTables>,
  scope: Scope,
  filter: AuditFilter,
  { limit, before }: { readonly limit: number; readonly before: string | undefined },
) {
  const { person, agency, operation, from, to } = filter;
  let query = db
    .selectFrom('audit')
    .leftJoin('audit_outcome', 'audit_outcome.seq', 'audit.seq')
    .select([
      'audit.seq as sequence',
      'audit.at',
      'audit.exchange_id as exchangeId',
      'audit.application',
      'audit.person',
      'audit.agency',
      'audit.surface',
      'audit.operation',
      'audit.subject',
      'audit_outcome.status',
      'audit_outcome.refusal',
      outcome.as('outcome'),
    ])
    .orderBy('audit.seq', 'desc')
    .limit(limit);
  if (scope.kind === 'member') query = query.where('audit.agency', '=', scope.member);
  if (scope.kind === 'application') query = query.where('audit.application', '=', scope.application);
  if (before !== undefined) query = query.where('audit.seq', '<', before);
  if (person !== undefined) query = query.where('audit.person', '=', person);
  if (agency !== undefined) query = query.where('audit.agency', '=', agency);
  if (operation !== undefined) query = query.where('audit.operation', '=', operation);
  if (from !== undefined) query = query.where('audit.at', '>=', from);
  if (to !== undefined) query = query.where('audit.at', '<', to);
  if (filter.outcome !== undefined) query = query.where(outcome, '=', filter.outcome);
  const rows = await query.execute();
  return rows.map((row) => ({ ...row, subject: row.subject as Record<string, string> }));
}
