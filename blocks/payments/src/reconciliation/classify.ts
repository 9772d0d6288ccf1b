import type { ItemClass, LineClass } from '../api/reconciliation/classes.ts';
import type { Direction, EntryCode } from './files/parsed.ts';
import type { Payment } from './matchers.ts';

export interface Line {
  readonly id: string;
  readonly direction: Direction;
  /** Minor units. */
  readonly amount: bigint;
  readonly code: EntryCode | undefined;
  /** Whether it is the balance with which the first statement begins. */
  readonly opening: boolean;
  /** Whether lines before it may be missing: its statement does not go on where the one before ended. */
  readonly afterGap: boolean;
  readonly payment: Payment | undefined;
}

/** What statements have said of a payment so far. */
export interface Seen {
  /** Line that showed it leaving the account, or the decision that it did not. */
  readonly paidBy: string | undefined;
  /** Line that showed it coming back, or the decision that it never left. */
  readonly returnedBy: string | undefined;
  /** Debits beside the one that paid it that nobody has given back. `decided`: somebody bears them already. */
  readonly beside: readonly { readonly lineId: string; readonly amount: bigint; readonly decided: boolean }[];
  /** Credits that nothing explains yet. */
  readonly waiting: readonly { readonly lineId: string; readonly amount: bigint }[];
}

export interface Verdict {
  readonly line: Line;
  readonly class: LineClass;
  /** `out`: paid → funding. `back`: funding ← paid. Undefined: nothing is booked now. */
  readonly book?: 'out' | 'back';
  /** The line of the other direction that takes this one back, or that it takes back; both are settled unless there is an item. */
  readonly pair?: string;
  /** What a person has to look at. */
  readonly item?: { readonly class: ItemClass; readonly detail: string };
}

const nothingSeen: Seen = { paidBy: undefined, returnedBy: undefined, beside: [], waiting: [] };

const waits = (line: Line, itemClass: ItemClass, detail: string): Verdict => ({
  line,
  class: line.opening ? 'opening' : itemClass === 'missing-at-bank' ? 'missing-here' : itemClass,
  item: { class: itemClass, detail },
});

function credit(line: Line, payment: Payment, seen: Seen): Verdict {
  // What a bank took beside the payment comes back before the payment itself does.
  const taken = seen.beside.filter((one) => one.amount === line.amount);
  const open = taken.find((one) => !one.decided);
  if (open) return { line, class: 'reversal', pair: open.lineId };
  if (taken[0])
    return {
      line,
      class: 'reversal',
      pair: taken[0].lineId,
      item: { class: 'duplicate-at-bank', detail: 'The bank gave back a debit that is borne here already' },
    };
  if (line.amount !== payment.amount)
    return waits(line, 'amount-differs', 'Another amount came back than was paid');
  if (seen.returnedBy !== undefined) return waits(line, 'duplicate-at-bank', 'The payment came back before');
  if (line.afterGap && seen.paidBy === undefined)
    return waits(
      line,
      'missing-here',
      'A payment came back that no statement shows leaving, and one is missing',
    );
  if (payment.state === 'paid' || payment.state === 'returned')
    return { line, class: 'return', book: 'back' };
  return waits(line, 'missing-here', `A payment came back that is ${payment.state} here`);
}

function debit(line: Line, payment: Payment, seen: Seen): Verdict {
  if (seen.paidBy !== undefined) {
    const back = seen.waiting.find((one) => one.amount === line.amount);
    if (back) return { line, class: 'reversal', pair: back.lineId };
    return waits(line, 'duplicate-at-bank', 'The payment was taken or decided before');
  }
  if (line.amount !== payment.amount)
    return waits(line, 'amount-differs', 'Another amount was taken than was paid here');
  if (payment.state === 'paid' || payment.state === 'returned')
    return { line, class: 'matched', book: 'out' };
  return waits(line, 'missing-here', `A payment was taken that is ${payment.state} here`);
}

function classifyOne(line: Line, seen: Seen): Verdict {
  const { payment, direction } = line;
  if (line.code === 'charge' && direction === 'debit')
    return waits(line, 'charge', 'A charge that the fees computed here do not cover');
  if (payment) return direction === 'credit' ? credit(line, payment, seen) : debit(line, payment, seen);
  return direction === 'credit'
    ? waits(line, 'deposit', 'Money came in that no budget release announces')
    : waits(line, 'missing-here', 'Money was taken for no payment known here');
}

/** What has been seen of the payment when this line is taken over. */
function after(verdict: Verdict, seen: Seen): Seen {
  const { line } = verdict;
  if (verdict.class === 'matched') return { ...seen, paidBy: line.id };
  if (verdict.class === 'return') return { ...seen, returnedBy: line.id };
  if (verdict.pair !== undefined)
    return {
      ...seen,
      beside: seen.beside.filter((one) => one.lineId !== verdict.pair),
      waiting: seen.waiting.filter((one) => one.lineId !== verdict.pair),
    };
  if (line.direction === 'debit' && verdict.class !== 'charge')
    return {
      ...seen,
      beside: [...seen.beside, { lineId: line.id, amount: line.amount, decided: false }],
    };
  return seen;
}

export const paymentKey = ({ kind, id }: Pick<Payment, 'kind' | 'id'>): string => `${kind}/${id}`;

/**
 * Puts every line into exactly one class, in the order given, knowing what statements said before. Pure: what follows from
 * a verdict is done elsewhere.
 */
export function classify(lines: readonly Line[], before: ReadonlyMap<string, Seen>): Verdict[] {
  const seen = new Map(before);
  return lines.map((line) => {
    const key = line.payment ? paymentKey(line.payment) : undefined;
    const known = (key === undefined ? undefined : seen.get(key)) ?? nothingSeen;
    const verdict = classifyOne(line, known);
    if (key !== undefined) seen.set(key, after(verdict, known));
    return verdict;
  });
}
