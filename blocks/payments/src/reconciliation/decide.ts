import { conflict, notFound, transaction } from '@govstack/platform';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { assertOfficer, assertOther, mayDecideAlone, type Officer } from '../returns/four-eyes.ts';
import { actorOf } from '../sources/access.ts';
import type { Trx } from '../tables.ts';
import type { Item } from './items.ts';
import { prove } from './proof.ts';
import { lockReconciliation } from './reconcile.ts';
import { carryOut, type Wish, withoutMoney } from './resolutions.ts';

async function lock(trx: Trx, id: string): Promise<Item> {
  const row = await trx
    .selectFrom('reconciliation_item')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound('Item of the worklist');
  if (row.state === 'resolved') throw conflict(`The item is resolved: ${row.resolution}`);
  return row;
}

const record = (trx: Trx, action: string, item: Item, officer: Officer, detail: object) =>
  audit(trx, {
    component: 'reconciliation',
    action,
    subject: `item/${item.id}`,
    actor: actorOf(officer.caller, officer.person),
    detail: { class: item.class, amount: item.amount, currency: item.currency, ...detail },
  });

/** Gives an item to somebody, or to nobody. */
export async function assignItem(
  payments: Payments,
  id: string,
  officer: Officer,
  owner: string | undefined,
): Promise<Item> {
  assertOfficer(payments, officer);
  return transaction(payments.db, async (trx) => {
    const item = await lock(trx, id);
    await record(trx, 'assign', item, officer, { owner: owner ?? null });
    return trx
      .updateTable('reconciliation_item')
      .set({ owner: owner ?? null })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

async function resolve(
  payments: Payments,
  trx: Trx,
  item: Item,
  officer: Officer,
  wish: Wish,
): Promise<Item> {
  await carryOut(payments, trx, item, wish);
  const resolved = await trx
    .updateTable('reconciliation_item')
    .set({
      state: 'resolved',
      resolution: wish.resolution,
      note: wish.note,
      resolved_by: actorOf(officer.caller, officer.person),
      resolved_at: payments.ctx.now(),
    })
    .where('id', '=', item.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (item.account_id !== null) await prove(payments, trx, item.account_id);
  return resolved;
}

/**
 * Proposes how an item is resolved. What moves no money, or little, is done at once; anything else when a second person
 * accepts. A proposal that could not be carried out is refused.
 */
export async function proposeResolution(
  payments: Payments,
  id: string,
  officer: Officer,
  wish: Wish,
): Promise<Item> {
  assertOfficer(payments, officer);
  const item = await transaction(payments.db, async (trx) => {
    await lockReconciliation(trx);
    const found = await lock(trx, id);
    if (found.state === 'proposed') throw conflict('Something is proposed already; a second person decides');
    await record(trx, 'propose', found, officer, wish);
    const alone =
      withoutMoney.includes(wish.resolution) ||
      (await mayDecideAlone(trx, found.currency, BigInt(found.amount), officer));
    if (alone) return resolve(payments, trx, found, officer, wish);
    return trx
      .updateTable('reconciliation_item')
      .set({
        state: 'proposed',
        proposal: JSON.stringify(wish),
        proposed_by: officer.person.id,
        proposed_at: payments.ctx.now(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  payments.wake();
  return item;
}

/** A second person accepts what was proposed, and it is booked; or declines, and the item waits on. */
export async function decideProposal(
  payments: Payments,
  id: string,
  officer: Officer,
  decision: { readonly accept: boolean; readonly note?: string },
): Promise<Item> {
  assertOfficer(payments, officer);
  const item = await transaction(payments.db, async (trx) => {
    await lockReconciliation(trx);
    const found = await lock(trx, id);
    if (found.state !== 'proposed') throw conflict('Nothing is proposed for this item');
    const wish = found.proposal as Wish;
    if (decision.accept) assertOther(found.proposed_by, officer);
    await record(trx, decision.accept ? 'accept' : 'decline', found, officer, {
      ...wish,
      said: decision.note,
    });
    if (decision.accept) return resolve(payments, trx, found, officer, wish);
    return trx
      .updateTable('reconciliation_item')
      .set({
        state: 'open',
        proposal: null,
        proposed_by: null,
        proposed_at: null,
        note: decision.note ?? null,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  payments.wake();
  return item;
}
