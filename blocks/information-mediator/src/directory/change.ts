import { badRequest, transaction } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { MediatorTables } from '../tables.ts';

/** Service codes that X-Road keeps for its own services [UG-SYSPAR]. */
export const metaServiceCodes: ReadonlySet<string> = new Set([
  'listClients',
  'listMethods',
  'allowedMethods',
  'getWsdl',
  'getOpenAPI',
  'getSecurityServerMetrics',
  'getSecurityServerOperationalData',
  'getSecurityServerHealthData',
]);

const foreignKeys: Readonly<Record<string, string>> = {
  member_instance_fkey: 'The instance is not known here',
  application_member_fkey: 'The member is not registered',
  service_application_fkey: 'The application is not registered',
  access_right_service_fkey: 'The service is not registered',
  access_right_subject_fkey: 'The application that is to have the right is not registered',
  gateway_policy_service_fkey: 'The service is not registered',
  disabled_endpoint_service_fkey: 'The service is not registered',
  subscription_source_fkey: 'The application that announces the events is not registered',
  subscription_subscriber_fkey: 'The subscriber is not registered',
};

/** Carries out a change of the directory as part of a transaction. Throws 400 when something named is not there. */
export async function changeWithin(
  trx: Transaction<MediatorTables>,
  statements: readonly RawBuilder<unknown>[],
): Promise<boolean> {
  let changed = false;
  try {
    for (const statement of statements) {
      const { numAffectedRows } = await statement.execute(trx);
      changed ||= (numAffectedRows ?? 0n) > 0n;
    }
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code === '23503')
      throw badRequest(foreignKeys[constraint ?? ''] ?? 'Something named is not registered');
    throw error;
  }
  if (changed) await sql`update directory_version set version = version + 1`.execute(trx);
  return changed;
}

/**
 * Carries out a change of the directory and lets every node know when something did change. What it refers to must
 * exist; otherwise 400 and nothing is changed.
 */
export const change = (
  db: Kysely<MediatorTables>,
  statements: readonly RawBuilder<unknown>[],
): Promise<boolean> => transaction(db, (trx) => changeWithin(trx, statements));
