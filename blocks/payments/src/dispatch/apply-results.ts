import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { leadersOf } from '../batches/combine.ts';
import type { InstructionState } from '../batches/states.ts';
import { type NewCase, openCases } from '../cases/cases.ts';
import { charged, feesAccount } from '../fees/booking.ts';
import { openAccounts } from '../ledger/accounts.ts';
import { createTransfers } from '../ledger/transfers.ts';
import type { Payments } from '../payments-context.ts';
import type { RailResult } from '../rails/port.ts';
import { givesVouchers } from '../rails/registry.ts';
import { issueReceipts } from '../receipts/issue.ts';
import { holdReturns } from '../returns/hold.ts';
import type { Trx } from '../tables.ts';
import { isUuid } from '../uuid.ts';
import { giveVouchers } from '../vouchers/for-runs.ts';
import { applyRedemptions } from '../vouchers/results.ts';
import { type Action, decisions } from './decisions.ts';
import { cleared, destination, type Payout, returned, settled, suspenseAccount } from './payout.ts';
import { settleSubBatches } from './settle.ts';

/** How a result reached us. */
export type Via = 'answer' | 'callback' | 'poll' | 'file' | 'statement' | 'operator';

/** What is said of a transfer. */
export interface Said extends RailResult {
  /** Number of the sending that it answers, or that was asked about; absent: whichever. */
  readonly attempt?: number | undefined;
}

/** Says which sending each result is about. */
export const ofAttempts = (results: readonly RailResult[], attempts: ReadonlyMap<string, number>): Said[] =>
  results.map((result) => ({ ...result, attempt: attempts.get(result.reference) }));

interface Known {
  id: string;
  /** Payment under whose id it was sent. */
  leader_id: string;
  batch_id: string;
  sub_batch_id: string | null;
  state: InstructionState;
  amount: string;
  fee: string;
  currency: string;
  stopped: boolean;
  /** Its sub-batch was sent more than once. */
  resent: boolean;
}

interface Decided {
  readonly known: Known;
  readonly result: Said;
  readonly action: Action;
  readonly payout: Payout;
}

/** Locks sub-batches in id order: every result, whoever brings it, waits its turn; what was sent moves under them only. */
async function lockInstructions(trx: Trx, railId: string, references: readonly string[]): Promise<Known[]> {
  await sql`
    select s.id
    from sub_batch s
    where s.id in (select i.sub_batch_id from instruction i where i.id = any (${references}::uuid[]))
    order by s.id
    for update`.execute(trx);
  const { rows } = await sql<Known>`
    select
      i.id, coalesce(k.leader_id, i.id) as leader_id, i.batch_id, i.sub_batch_id, i.state, i.amount, i.fee, i.currency,
      (select b.stopped_at is not null from batch b where b.id = i.batch_id) as stopped,
      coalesce((select s.sends > 1 from sub_batch s where s.id = i.sub_batch_id), false) as resent
    from instruction i
    left join combined_instruction k on k.instruction_id = i.id
    where i.id = any (${references}::uuid[])
      and i.rail_id = ${railId}
      and i.purpose = 'payment'
    order by i.id`.execute(trx);
  return rows;
}

/**
 * What is said of a sending after which there was another one. It has no effect: it says nothing about the later one. Only
 * that the transfer was executed is true of all, as they have one reference.
 */
async function overtaken(
  trx: Trx,
  known: readonly Known[],
  saidOf: (row: Known) => Said,
): Promise<ReadonlySet<string>> {
  const about = known.filter((row) => {
    const { attempt, outcome } = saidOf(row);
    return row.resent && attempt !== undefined && outcome !== 'succeeded';
  });
  if (about.length === 0) return new Set();
  const { rows } = await sql<{ instruction_id: string }>`
    select distinct a.instruction_id
    from unnest(
      ${about.map((row) => row.leader_id)}::uuid[],
      ${about.map((row) => saidOf(row).attempt as number)}::integer[]
    ) as r (instruction_id, number)
    join attempt a on a.instruction_id = r.instruction_id and a.number > r.number`.execute(trx);
  return new Set(rows.map((row) => row.instruction_id));
}

interface Sendings {
  instruction_id: string;
  /** As often as one may. */
  too_often: boolean;
  /** One of them its rail has not received, and might yet: they were not all refused. */
  lost: boolean;
}

async function sendingsOf(
  payments: Payments,
  trx: Trx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Sendings>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Sendings>`
    select
      instruction_id,
      count(*) >= ${payments.config.maximumSends} as too_often,
      bool_or(state = 'not-received') as lost
    from attempt
    where instruction_id = any (${ids}::uuid[])
    group by instruction_id`.execute(trx);
  return new Map(rows.map((row) => [row.instruction_id, row]));
}

/**
 * What results do. A sending that was refused or lost too often, or whose run was stopped, ends: as failed if every
 * sending was refused, else as unknown for a person to decide.
 */
async function decide(
  payments: Payments,
  trx: Trx,
  known: readonly Known[],
  saidOf: (row: Known) => Said,
): Promise<(row: Known) => Action> {
  const late = await overtaken(trx, known, saidOf);
  const byTable = (row: Known): Action =>
    late.has(row.leader_id) ? 'ignore' : decisions[row.state][saidOf(row).outcome];
  const resent = known.filter((row) => byTable(row) === 'resend').map((row) => row.leader_id);
  const sendings = await sendingsOf(payments, trx, resent);
  return (row) => {
    const action = byTable(row);
    const { too_often: tooOften = false, lost = false } = sendings.get(row.leader_id) ?? {};
    if (action !== 'resend' || !(tooOften || row.stopped)) return action;
    if (saidOf(row).outcome === 'busy' && !lost) return 'fail';
    return row.state === 'unknown' ? 'wait' : 'doubt';
  };
}

async function moveInstructions(
  trx: Trx,
  decided: readonly Decided[],
  action: Action,
  state: InstructionState,
): Promise<void> {
  const rows = decided.filter((one) => one.action === action);
  if (rows.length === 0) return;
  const ids = rows.map((row) => row.known.id);
  await sql`
    with told as (
      select * from unnest(
        ${ids}::uuid[],
        ${rows.map((row) => row.result.reasonCode ?? null)}::text[],
        ${rows.map((row) => row.result.railReference ?? null)}::text[]
      ) as r (id, reason_code, rail_reference)
    ),
    referred as (
      insert into instruction_reference (rail_reference, instruction_id)
      select rail_reference, id from told where rail_reference is not null
      on conflict do nothing
    )
    update instruction i
    set state = ${state},
        reason_code = r.reason_code,
        rail_reference = coalesce(r.rail_reference, i.rail_reference),
        updated_at = now()
    from told r
    where i.id = r.id
      and i.id = any (${ids}::uuid[])`.execute(trx);
}

const attemptStates = {
  complete: 'succeeded',
  fail: 'failed',
  doubt: 'unknown',
  wait: null,
} as const;

async function moveAttempts(
  payments: Payments,
  trx: Trx,
  decided: readonly Decided[],
  via: Via,
): Promise<void> {
  const rows = decided.flatMap((one): { id: string; state: string | null; reason: string | null }[] => {
    if (one.action === 'resend') {
      const state = one.result.outcome === 'busy' ? 'refused' : 'not-received';
      return [{ id: one.known.id, state, reason: one.result.reasonCode ?? null }];
    }
    if (one.action === 'complete' || one.action === 'fail' || one.action === 'doubt' || one.action === 'wait')
      return [{ id: one.known.id, state: attemptStates[one.action], reason: one.result.reasonCode ?? null }];
    return [];
  });
  if (rows.length === 0) return;
  const ids = rows.map((row) => row.id);
  // The next look is never brought forward: a poll has put it off with growing delay. A payment that is completed while
  // none of its sendings is open, by a statement or a person, was so by the last.
  await sql`
    update attempt a
    set state = coalesce(r.state, a.state),
        reason_code = r.reason_code,
        answered_at = case when r.state in ('succeeded', 'failed', 'refused', 'not-received') then now() end,
        answered_by = case when r.state is not null then ${via} else a.answered_by end,
        next_check_at = case
          when ${via} = 'answer' then now() + make_interval(secs => ${payments.config.statusAfterSeconds})
          else a.next_check_at
        end
    from unnest(
      ${ids}::uuid[],
      ${rows.map((row) => row.state)}::text[],
      ${rows.map((row) => row.reason)}::text[]
    ) as r (instruction_id, state, reason_code)
    where a.instruction_id = r.instruction_id
      and a.instruction_id = any (${ids}::uuid[])
      and (
        a.state in ('open', 'unknown')
        or (r.state = 'succeeded'
          and a.number = (select max(l.number) from attempt l where l.instruction_id = a.instruction_id))
      )`.execute(trx);
}

async function book(trx: Trx, decided: readonly Decided[]): Promise<void> {
  const of = (action: Action): Payout[] =>
    decided.filter((one) => one.action === action).map((one) => one.payout);
  const [completed, failedOnes, back] = [of('complete'), of('fail'), of('return')];
  const keys = [
    ...completed.map(destination),
    ...completed.filter((one) => one.fee > 0n).map((one) => feesAccount(one.railId, one.currency)),
    ...back.map((one) => suspenseAccount(one.railId, one.currency)),
  ];
  const distinct = [
    ...new Map(keys.map((key) => [`${key.kind}/${key.owner}/${key.currency}`, key])).values(),
  ];
  if (distinct.length > 0) await openAccounts(trx, distinct);
  await createTransfers(trx, [
    ...completed.map((one) => settled(one, 'post-pending')),
    ...failedOnes.map((one) => settled(one, 'void-pending')),
    ...cleared(completed),
    ...charged(completed),
    ...back.map(returned),
  ]);
}

/** Payments that are vouchers are completed with theirs: the serial number is their reference. */
async function withVouchers(
  payments: Payments,
  trx: Trx,
  railId: string,
  decided: readonly Decided[],
): Promise<readonly Decided[]> {
  const completed = decided.filter((one) => one.action === 'complete');
  if (completed.length === 0 || !(await givesVouchers(trx, railId))) return decided;
  const given = await giveVouchers(
    payments,
    trx,
    completed.map((one) => one.known.id),
  );
  return decided.map((one) => {
    const voucher = given.get(one.known.id);
    if (!voucher) return one;
    return {
      ...one,
      result: { ...one.result, railReference: voucher.serial },
      payout: { ...one.payout, into: voucher.account },
    };
  });
}

async function queueResends(payments: Payments, trx: Trx, decided: readonly Decided[]): Promise<void> {
  const ids = decided
    .filter((one) => one.action === 'resend' && one.known.sub_batch_id !== null)
    .map((one) => one.known.sub_batch_id as string);
  if (ids.length === 0) return;
  await sql`
    update sub_batch
    set state = 'queued',
        next_at = now() + make_interval(
          secs => least(900, ${payments.config.resendAfterSeconds}::float8 * power(2, least(sends, 10))
            * (0.75 + random() / 2)))
    where id = any (${[...new Set(ids)]}::uuid[])
      and state = 'sent'`.execute(trx);
}

const disputes = (railId: string, decided: readonly Decided[], via: Via): NewCase[] =>
  decided
    .filter((one) => one.action === 'dispute')
    .map(({ known, result }) => ({
      kind: 'contradiction' as const,
      key: `${known.id}/${known.state}/${result.outcome}`,
      batchId: known.batch_id,
      instructionId: known.id,
      railId,
      detail: `The rail reports ${result.outcome} (by ${via}) for an instruction that is ${known.state}`,
    }));

/** What is said of one of several combined payments is said of them all. */
async function ofAllCombined(trx: Trx, results: readonly Said[]): Promise<readonly Said[]> {
  const references = results.map((result) => result.reference).filter(isUuid);
  const leaders = await leadersOf(trx, references);
  if (leaders.size === 0) return results;
  const rows = await trx
    .selectFrom('combined_instruction')
    .selectAll()
    .where('leader_id', '=', sql<string>`any (${[...new Set(leaders.values())]}::uuid[])`)
    .orderBy('instruction_id')
    .execute();
  const led = Map.groupBy(rows, (row) => row.leader_id);
  const said = new Set<string>();
  return results.flatMap((result) => {
    const leader = leaders.get(result.reference.toLowerCase());
    if (leader === undefined) return [result];
    const once = `${leader}/${result.outcome}/${result.attempt}`;
    if (said.has(once)) return [];
    said.add(once);
    return (led.get(leader) ?? []).map(({ instruction_id: reference }) => ({ ...result, reference }));
  });
}

/**
 * Results in rounds of which none names a transfer twice: what is said next of the same one is judged after what was
 * said before, so that the last word does not win.
 */
function inRounds(results: readonly Said[]): Said[][] {
  const rounds: Map<string, Said>[] = [];
  for (const result of results) {
    const reference = result.reference.toLowerCase();
    const said = rounds.filter((round) => round.has(reference));
    if (said.some((round) => round.get(reference)?.outcome === result.outcome)) continue;
    const round = rounds[said.length] ?? new Map<string, Said>();
    rounds[said.length] = round.set(reference, result);
  }
  return rounds.map((round) => [...round.values()]);
}

/**
 * The one way in which anything a rail says takes effect: synchronous answers, callbacks, polls, statements and
 * operators' decisions all come here. States move only forward by the table of decisions; money, attempts and counters follow in the same
 * transaction. Saying the same twice, late or out of order changes nothing; a contradiction opens a case.
 */
export async function applyResults(
  payments: Payments,
  railId: string,
  results: readonly Said[],
  via: Via,
  within?: Trx,
): Promise<void> {
  const round = async (trx: Trx, said: readonly Said[]): Promise<void> => {
    const byReference = new Map(
      said
        .filter((result) => isUuid(result.reference))
        .map((result) => [result.reference.toLowerCase(), result]),
    );
    const known = await lockInstructions(trx, railId, [...byReference.keys()]);
    const found = new Set(known.map((row) => row.id));
    const saidOf = (row: Known): Said => byReference.get(row.id) as Said;
    const actionOf = await decide(payments, trx, known, saidOf);
    const judged = known.map((row): Decided => {
      const said = saidOf(row);
      const action = actionOf(row);
      // Refused for now, and not sent again because of us.
      const ended = action === 'fail' && said.outcome === 'busy' && row.stopped;
      return {
        known: row,
        result: ended ? { ...said, reasonCode: 'run-stopped' } : said,
        action,
        payout: {
          instructionId: row.id,
          batchId: row.batch_id,
          railId,
          currency: row.currency,
          amount: BigInt(row.amount),
          fee: BigInt(row.fee),
        },
      };
    });
    const decided = await withVouchers(payments, trx, railId, judged);
    await moveAttempts(payments, trx, decided, via);
    await moveInstructions(trx, decided, 'complete', 'completed');
    await moveInstructions(trx, decided, 'fail', 'failed');
    await moveInstructions(trx, decided, 'doubt', 'unknown');
    await moveInstructions(trx, decided, 'return', 'returned');
    await issueReceipts(
      payments,
      trx,
      decided.filter((one) => one.action === 'complete').map((one) => one.known.id),
    );
    // As late as can be: accounts stay locked until the commit.
    await book(trx, decided);
    await holdReturns(
      payments,
      trx,
      railId,
      decided.filter((one) => one.action === 'return').map((one) => one.payout),
    );
    await queueResends(payments, trx, decided);
    await openCases(trx, [
      ...disputes(railId, decided, via),
      ...said
        .filter((result) => !found.has(result.reference.toLowerCase()))
        .map((result) => ({
          kind: 'unknown-reference' as const,
          key: `${railId}/${result.reference}`,
          railId,
          detail: `The rail reports ${result.outcome} for a reference that was never sent to it`,
        })),
    ]);
    const touched = decided.filter((one) => one.action === 'complete' || one.action === 'fail');
    await settleSubBatches(
      payments,
      trx,
      touched.map((one) => one.known.sub_batch_id).filter((id) => id !== null),
    );
  };
  const work = async (trx: Trx): Promise<void> => {
    const others = await applyRedemptions(payments, trx, railId, results, via);
    for (const said of inRounds(await ofAllCombined(trx, others))) await round(trx, said);
  };
  if (within) await work(within);
  else {
    await transaction(payments.db, work);
    payments.wake();
  }
}
