import type { Kysely, Transaction } from 'kysely';
import { type Right, wholeService, writeRight } from '../directory/access-rights.ts';
import type { ApplicationRegistration } from '../directory/registration.ts';
import { writeApplication, writeMember } from '../directory/registration.ts';
import type { Endpoint } from '../directory/snapshot.ts';
import { subscribeToPlan } from '../gateway/plans.ts';
import type { MediatorTables } from '../tables.ts';
import type { RequestKind } from './requests.ts';

/** What an approved request puts into the directory, in the transaction of the approval. */
export async function carryOut(
  trx: Transaction<MediatorTables>,
  kind: RequestKind,
  subject: string,
  document: Record<string, unknown>,
  approvedBy: string,
): Promise<void> {
  if (kind === 'member') return writeMember(trx, { id: subject, name: String(document.name) });
  if (kind === 'application')
    return writeApplication(trx, { ...(document as Omit<ApplicationRegistration, 'id'>), id: subject });
  const consumer = String(document.consumer);
  const asked = (document.endpoints as Endpoint[] | undefined) ?? [wholeService];
  // What it may use already stays.
  const endpoints = [...(await endpointsOf(trx, subject, consumer)), ...asked];
  const plan = document.plan;
  if (typeof plan === 'string') await subscribeToPlan(trx, subject, consumer, plan);
  const right: Right = { service: subject, subject: consumer, endpoints, grantedBy: approvedBy };
  return writeRight(trx, right);
}

const endpointsOf = (db: Kysely<MediatorTables>, service: string, subject: string): Promise<Endpoint[]> =>
  db
    .selectFrom('access_right')
    .select(['method', 'path'])
    .where('service_id', '=', service)
    .where('subject', '=', subject)
    .execute();
