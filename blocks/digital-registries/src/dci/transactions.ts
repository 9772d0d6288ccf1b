import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Header, SearchResult, StatusRequest } from '../api/dci/shapes.ts';
import type { RegistryTables } from '../tables.ts';
import type { Conversation, Dci } from './dci.ts';
import type { Vault } from './sealed.ts';
import type { Target } from './senders.ts';

type Trx = Transaction<RegistryTables>;
type State = RegistryTables['dci_transaction']['state'];

/** What came of one item: who asks for the state of a transaction learns this, never what was found. */
export type Outcome = Pick<
  SearchResult,
  'reference_id' | 'timestamp' | 'status' | 'status_reason_code' | 'status_reason_message'
>;

export const outcomeOf = (one: Outcome): Outcome => ({
  reference_id: one.reference_id,
  timestamp: one.timestamp,
  status: one.status,
  ...(one.status_reason_code === undefined ? {} : { status_reason_code: one.status_reason_code }),
  ...(one.status_reason_message === undefined ? {} : { status_reason_message: one.status_reason_message }),
});

interface Taken {
  readonly id: string;
  readonly header: Pick<Header, 'message_id' | 'action'>;
  readonly message: { readonly transaction_id: string };
  readonly state: State;
  readonly outcomes?: readonly Outcome[];
  readonly target?: Target;
  /** What is still to be answered. */
  readonly request?: Buffer;
}

/** Puts a message on record, once per message id of its sender. Undefined: it was not there before; else what was. */
export async function recordMessage(
  vault: Vault,
  trx: Kysely<RegistryTables> | Trx,
  { owner, mappingName, sender, caller }: Conversation,
  { id, header, message, state, outcomes = [], target, request }: Taken,
): Promise<{ readonly id: string; readonly same: boolean } | undefined> {
  const print = vault.mark(canonicalize(message) as string);
  const inserted = await trx
    .insertInto('dci_transaction')
    .values({
      id,
      owner,
      mapping: mappingName,
      sender_id: sender.senderId,
      application: caller.application,
      operator: caller.operator ?? null,
      exchange_id: caller.exchangeId,
      message_id: header.message_id,
      transaction_id: message.transaction_id,
      action: header.action,
      state,
      target: target ? JSON.stringify(target) : null,
      request: request ?? null,
      fingerprint: print,
      outcomes: JSON.stringify(outcomes),
      ended_at: state === 'succ' || state === 'rjct' ? new Date().toISOString() : null,
    })
    .onConflict((existing) => existing.constraint('dci_transaction_message_key').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted) return undefined;
  const known = await trx
    .selectFrom('dci_transaction')
    .select(['id', 'fingerprint'])
    .where('owner', '=', owner)
    .where('mapping', '=', mappingName)
    .where('sender_id', '=', sender.senderId)
    .where('message_id', '=', header.message_id)
    .executeTakeFirstOrThrow();
  return { id: known.id, same: known.fingerprint.equals(print) };
}

/** What is known of earlier transactions of a sender, for each item asked about. */
export async function statusOf(
  dci: Dci,
  { owner, mappingName, sender }: Conversation,
  { txnstatus_request: asked }: StatusRequest,
): Promise<Outcome[]> {
  const values = [asked.attribute_value].flat();
  let known = dci.db
    .selectFrom('dci_transaction')
    .select(['transaction_id', 'state', 'outcomes', 'created_at', 'id'])
    .where('owner', '=', owner)
    .where('mapping', '=', mappingName)
    .where('sender_id', '=', sender.senderId)
    .where('action', '=', asked.txn_type);
  if (asked.attribute_type === 'transaction_id') known = known.where('transaction_id', 'in', values);
  else if (asked.attribute_type === 'correlation_id') known = known.where(sql`id::text`, 'in', values);
  else
    known = known.where(
      sql<boolean>`jsonb_path_exists(outcomes, '$[*].reference_id ? (@ == $wanted[*])', ${JSON.stringify({ wanted: values })}::jsonb)`,
    );
  const rows = await known.orderBy('created_at', 'desc').limit(100).execute();
  const outcomes = rows.flatMap((row) => row.outcomes as Outcome[]);
  if (asked.attribute_type !== 'reference_id_list') return outcomes;
  const byReference = new Map(outcomes.map((one) => [one.reference_id, one]));
  return values.map(
    (reference) =>
      byReference.get(reference) ?? {
        reference_id: reference,
        timestamp: dci.now().toISOString(),
        status: 'rjct',
        status_reason_code: 'rjct.reference_id.invalid',
        status_reason_message: 'There is no request of this sender with this reference_id',
      },
  );
}
