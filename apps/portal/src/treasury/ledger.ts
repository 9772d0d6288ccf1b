import { cursorIn, idIn } from '../site/ids.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { access, frame, type TreasuryParts } from './shell.ts';

const size = 50;
const kinds = [
  'funding',
  'available',
  'reserved',
  'clearing',
  'paid',
  'suspense',
  'voucher',
  'fees',
] as const;

/** Rules of the books that have a text; others are shown as the block states them. */
const invariants = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'I11', 'I12', 'I13', 'I14'];

/** The books: accounts with what is on them, what moved, and whether they are right (PAY-6.12-h). */
export function ledgerPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  async function show(visit: SignedInVisit, check = false) {
    const kind = kinds.find((one) => one === visit.query.kind);
    const after = cursorIn(visit, 'after');
    const [accounts, checked] = await Promise.all([
      admin.listAccounts({
        query: {
          ...(kind === undefined ? {} : { kind }),
          ...(after === undefined ? {} : { after }),
          limit: size,
        },
      }),
      check ? admin.ledgerInvariants({}) : undefined,
    ]);
    const { items, next } = accounts.body;
    const of = kind === undefined ? '' : `kind=${kind}`;
    return visit.show('treasury/ledger.njk', {
      ...frame(parts, visit, 'ledger'),
      kinds,
      kind,
      accounts: items.map((one) => ({
        ...one,
        money: { amount: one.balance, currency: one.currency },
        freeMoney: { amount: one.free, currency: one.currency },
      })),
      first: after === undefined ? undefined : `/treasury/ledger${of === '' ? '' : `?${of}`}`,
      next: next && `/treasury/ledger?${of === '' ? '' : `${of}&`}after=${next}`,
      checked: checked && {
        ...checked.body,
        results: checked.body.results.map((one) => ({
          ...one,
          said: invariants.includes(one.id) ? visit.voice.t(`treasury.invariants.${one.id}`) : undefined,
        })),
      },
    });
  }

  site.page('/treasury/ledger', access, (visit) => show(visit));
  // The books are read whole: only when somebody asks.
  site.action('/treasury/ledger', access, (visit) => show(visit, true));

  site.page('/treasury/ledger/:account', access, async (visit) => {
    const accountId = idIn(visit, 'account');
    const asked = visit.query.before ?? '';
    const before = /^[0-9]{1,18}$/.test(asked) ? asked : undefined;
    const { items, next } = (
      await admin.listTransfers({
        params: { accountId },
        query: { ...(before === undefined ? {} : { before }), limit: size },
      })
    ).body;
    const base = `/treasury/ledger/${accountId}`;
    return visit.show('treasury/account.njk', {
      ...frame(parts, visit, 'ledger'),
      back: '/treasury/ledger',
      accountId,
      newest: before === undefined ? undefined : base,
      next: next && `${base}?before=${next}`,
      transfers: items.map((one) => ({
        ...one,
        side: one.debit === accountId ? 'debit' : 'credit',
        other: one.debit === accountId ? one.credit : one.debit,
        money: { amount: one.amount, currency: one.currency },
      })),
    });
  });
}
