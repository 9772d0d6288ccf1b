import { type Caller, conflict, newId, notFound, type Person, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { assertMayPropose, hasDecided } from './access.ts';
import { findAggregator } from './aggregator.ts';
import { type Biller, readBiller } from './biller.ts';
import { type ProposedSettings, settledSettings, type WantedSettings } from './settings.ts';

export type Proposal = Selectable<PaymentsTables['biller_proposal']>;

export interface Officer {
  readonly caller: Caller;
  readonly person: Person;
}

/**
 * Proposes a new biller, or, with its id, other settings for one. Nothing takes effect before somebody else approves
 * it (PAY-9.3.1).
 */
export function proposeBiller(
  payments: Payments,
  wanted: WantedSettings & { readonly account: string },
  billerId: string | undefined,
  officer: Officer,
): Promise<Proposal> {
  return transaction(payments.db, async (trx) => {
    const { account, ...rest } = wanted;
    assertMayPropose(payments, wanted.agency, officer.person);
    const settings = await settledSettings(payments, trx, rest);
    if (billerId !== undefined) {
      const biller = await readBiller(trx, billerId);
      assertMayPropose(payments, biller.agency, officer.person);
      assertKeepsItsNature(biller, settings);
    } else if (settings.prefix !== undefined) await assertFree(trx, settings.prefix, settings.within);
    const id = newId();
    const proposal = await trx
      .insertInto('biller_proposal')
      .values({
        id,
        biller_id: billerId ?? null,
        settings: JSON.stringify(settings),
        account_cipher: payments.vault.seal(account, `biller-proposal/${id}`),
        proposed_by: officer.person.id,
        proposed_by_application: officer.caller.application,
        agency: settings.agency,
        decided_by: null,
        reason: null,
        decided_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await audit(trx, {
      component: 'billers',
      action: 'propose',
      subject: `biller-proposal/${id}`,
      actor: actorOf(officer.caller, officer.person),
      detail: { billerId, ...settings },
    });
    return proposal;
  });
}

function assertKeepsItsNature(biller: Biller, settings: ProposedSettings): void {
  if (settings.currency !== biller.currency)
    throw conflict('The currency of a biller cannot change; register another biller');
  if (settings.prefix !== undefined && settings.prefix !== biller.prefix)
    throw conflict('The prefix of a biller cannot change: it stands before its bill ids');
}

/** The biller to which bill ids with a prefix lead before somebody has that prefix. */
async function shorter(trx: Trx, prefix: string): Promise<Pick<Biller, 'id' | 'prefix'> | undefined> {
  const { rows } = await sql<Pick<Biller, 'id' | 'prefix'>>`
    select id, prefix
    from biller
    where starts_with(${prefix}, prefix)
    order by length(prefix) desc
    limit 1`.execute(trx);
  return rows[0];
}

/**
 * A prefix that lengthens another biller's takes bill ids from it. That is never done unsaid: the proposal, which two
 * people see, names that biller (`within`). A shorter one takes none, as the longest leads.
 */
async function assertFree(trx: Trx, prefix: string, within: string | undefined): Promise<void> {
  const other = await shorter(trx, prefix);
  if (other?.prefix === prefix) throw conflict('This prefix belongs to another biller');
  if (other && other.id !== within)
    throw conflict(
      `Bill ids with this prefix are those of biller ${other.id}; name it as within, if they shall lead here`,
    );
  if (!other && within !== undefined)
    throw conflict('within names no biller whose prefix this one lengthens');
}

const mostTries = 1000;

/** A prefix nobody has: the wanted one, or the next in order that takes no bill ids from anybody. */
async function allottedPrefix(trx: Trx, { prefix, within }: ProposedSettings): Promise<string> {
  // Two that are approved at the same moment see each other.
  await sql`select pg_advisory_xact_lock(hashtext('payments/biller-prefix'))`.execute(trx);
  if (prefix !== undefined) {
    await assertFree(trx, prefix, within);
    return prefix;
  }
  for (let tries = 0; tries < mostTries; tries += 1) {
    const { rows } = await sql<{ prefix: string }>`
      select nextval('biller_prefix_number')::text as prefix`.execute(trx);
    const [next] = rows;
    if (next && !(await shorter(trx, next.prefix))) return next.prefix;
  }
  throw conflict('The next prefixes in order all lie within other billers’; propose one');
}

/** Where a biller is reached: where its aggregator is now, which may have moved since the proposal. */
async function reachedAt(
  trx: Trx,
  settings: ProposedSettings,
): Promise<Pick<ProposedSettings, 'application' | 'service'>> {
  if (settings.aggregatorId === undefined) return settings;
  // Whoever changes the aggregator at this moment changes the new biller as well.
  const aggregator = await findAggregator(trx, settings.aggregatorId, true);
  if (!aggregator?.active) throw conflict('The aggregator of this biller is not active');
  return aggregator;
}

/** Puts what was approved into force. Answers the biller's id. */
async function apply(payments: Payments, trx: Trx, proposal: Proposal): Promise<string> {
  const { settings } = proposal;
  const account = payments.vault.open(proposal.account_cipher, `biller-proposal/${proposal.id}`);
  const { application, service } = await reachedAt(trx, settings);
  const id =
    proposal.biller_id ??
    (await sql<{ id: string }>`select 'B' || lpad(nextval('biller_number')::text, 5, '0') as id`.execute(trx))
      .rows[0]?.id ??
    '';
  const values = {
    name: settings.name,
    short_name: settings.shortName,
    agency: settings.agency,
    aggregator_id: settings.aggregatorId ?? null,
    application,
    service,
    group_code: settings.group,
    bill_id_length: settings.billIdLength,
    bill_id_check: settings.billIdCheck,
    part_payment: settings.allowsPartPayment,
    status_codes: JSON.stringify(settings.statusCodes),
    inquiry_timeout_seconds: settings.inquiryTimeoutSeconds,
    disclaimer: settings.disclaimer?.trim().replaceAll('\r\n', '\n') || null,
    institution: settings.institution,
    account_cipher: payments.vault.seal(account, `biller/${id}`),
  };
  if (proposal.biller_id !== null) {
    await trx
      .updateTable('biller')
      .set({ ...values, updated_at: payments.ctx.now() })
      .where('id', '=', id)
      .execute();
    return id;
  }
  await trx
    .insertInto('biller')
    .values({
      id,
      prefix: await allottedPrefix(trx, settings),
      currency: settings.currency,
      suspended_at: null,
      ...values,
    })
    .execute();
  return id;
}

/**
 * Approves or rejects a proposal, by another person than its maker. The same decision again answers the proposal as it
 * is; another one is refused. Approval allots the biller its id and prefix.
 */
export function decideProposal(
  payments: Payments,
  decision: { readonly id: string; readonly kind: 'approved' | 'rejected'; readonly reason?: string },
  officer: Officer,
): Promise<Proposal> {
  return transaction(payments.db, async (trx) => {
    const found = await trx
      .selectFrom('biller_proposal')
      .selectAll()
      .where('id', '=', decision.id)
      .forUpdate()
      .executeTakeFirst();
    if (!found) throw notFound('Proposal');
    if (hasDecided(payments, found, decision.kind, officer.person)) return found;
    const billerId =
      decision.kind === 'approved' ? await apply(payments, trx, found) : (found.biller_id ?? null);
    const decided = await trx
      .updateTable('biller_proposal')
      .set({
        state: decision.kind,
        biller_id: billerId,
        decided_by: officer.person.id,
        decided_at: payments.ctx.now(),
        reason: decision.reason ?? null,
      })
      .where('id', '=', found.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await audit(trx, {
      component: 'billers',
      action: decision.kind === 'approved' ? 'approve' : 'reject',
      subject: `biller-proposal/${found.id}`,
      actor: actorOf(officer.caller, officer.person),
      detail: { billerId, reason: decision.reason },
    });
    return decided;
  });
}

/** Proposals, newest first, a page before an id. */
export const listProposals = (
  db: Db,
  filter: {
    readonly agency: string | undefined;
    readonly state: Proposal['state'] | undefined;
    readonly before: string | undefined;
    readonly limit: number;
  },
): Promise<Proposal[]> =>
  db
    .selectFrom('biller_proposal')
    .selectAll()
    .$if(filter.agency !== undefined, (query) => query.where('agency', '=', filter.agency as string))
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as 'proposed'))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();

/** Stops questions about a biller's bills and requests of it at once, or lets them through again. */
export function suspendBiller(
  payments: Payments,
  billerId: string,
  suspended: boolean,
  actor: string,
  reason: string,
): Promise<Biller> {
  return transaction(payments.db, async (trx) => {
    await readBiller(trx, billerId);
    await trx
      .updateTable('biller')
      .set({ suspended_at: suspended ? payments.ctx.now() : null, updated_at: payments.ctx.now() })
      .where('id', '=', billerId)
      .execute();
    await audit(trx, {
      component: 'billers',
      action: suspended ? 'suspend' : 'resume',
      subject: `biller/${billerId}`,
      actor,
      detail: { reason },
    });
    return readBiller(trx, billerId);
  });
}
