import { type Caller, forbidden, memberOf, transaction } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Actor, actorOf } from '../history/actor.ts';
import { logChanges } from '../retention/change-log.ts';
import type { WorkflowTables } from '../tables.ts';
import type { Vault } from './vault.ts';

export type Trx = Transaction<WorkflowTables>;
export type Db = Kysely<WorkflowTables>;

/** What provisioning needs. */
export interface Provisioning {
  readonly db: Db;
  readonly vault: Vault;
  /** Applications that may provision, each for its own agency. */
  readonly provisioners: readonly string[];
  now(): Date;
  newId(): string;
}

/** An application that provisions, for its agency alone. */
export interface Provisioner {
  readonly application: string;
  readonly agency: string;
  readonly actor: Actor;
  /** Service under which it addresses this block. */
  readonly service: string;
}

/** Throws 403 for every application that is not named in the settings. */
export function provisionerOf({ provisioners }: Provisioning, caller: Caller): Provisioner {
  if (!provisioners.includes(caller.application)) throw forbidden('This application may not provision');
  return {
    application: caller.application,
    agency: memberOf(caller.application),
    actor: actorOf(caller, undefined),
    service: caller.service,
  };
}

/** A write of provisioning: one at a time in an agency, so that none sees half of another. */
export const provision = <T>(
  { db, now }: Provisioning,
  { agency }: Provisioner,
  work: (trx: Trx, at: string) => Promise<T>,
): Promise<T> =>
  transaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`provisioning ${agency}`}))`.execute(trx);
    return work(trx, now().toISOString());
  });

const step = 1000;

/** Puts on record what was done to whom. `details` name persons by their id here: nothing else of them is in a log. */
export async function record(
  trx: Trx,
  { application, actor }: Provisioner,
  action: WorkflowTables['change_log']['action'],
  details: readonly string[],
  at: string,
): Promise<void> {
  for (let first = 0; first < details.length; first += step) {
    await logChanges(
      trx,
      details.slice(first, first + step).map((detail) => ({ owner: application, action, detail, actor, at })),
    );
  }
}
