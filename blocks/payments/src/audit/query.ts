import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Db, PaymentsTables } from '../tables.ts';

export type AuditRow = Omit<Selectable<PaymentsTables['audit_entry']>, 'sealed'> & { sealed: boolean };

export interface AuditFilter {
  /** Only entries of the last so many days. */
  readonly days?: number;
  readonly component?: string;
  readonly action?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly outcome?: 'succeeded' | 'refused' | 'failed';
  readonly correlationId?: string;
  /** Sequence number of the last entry of the page before. */
  readonly before?: string;
  readonly limit: number;
}

/** Entries of the log, newest first (PAY-6.12-j). What is encrypted in them stays so. */
export function queryAudit(db: Db, filter: AuditFilter): Promise<AuditRow[]> {
  const { days, before } = filter;
  const equals = (['component', 'action', 'actor', 'subject', 'outcome', 'correlationId'] as const).flatMap(
    (name) => {
      const value = filter[name];
      const column = name === 'correlationId' ? ('correlation_id' as const) : name;
      return value === undefined ? [] : [{ column, value }];
    },
  );
  return db
    .selectFrom('audit_entry')
    .select([
      'id',
      'sequence',
      'component',
      'action',
      'subject',
      'actor',
      'terminal',
      'outcome',
      'detail',
      'key_id',
      'correlation_id',
      'at',
      sql<boolean>`sealed is not null`.as('sealed'),
    ])
    .where((where) => where.and(equals.map(({ column, value }) => where(column, '=', value))))
    .$if(days !== undefined, (query) =>
      query.where(sql<boolean>`at > now() - make_interval(days => ${days as number})`),
    )
    .$if(before !== undefined, (query) => query.where('sequence', '<', before as string))
    .orderBy('sequence', 'desc')
    .limit(filter.limit)
    .execute();
}
