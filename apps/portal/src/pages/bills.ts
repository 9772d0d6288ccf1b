import { Problem } from '@govstack/platform';
import { type PageError, refusedWith } from '../registries/refusals.ts';
import { refreshes } from '../site/refresh.ts';
import { input, type SignedInVisit, type Visit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 20;
const refreshedForMs = 10 * 60_000;
const billNumber = /^[0-9A-Za-z-]{4,20}$/;
const accountNumber = /^[0-9A-Za-z+]{4,40}$/;

const idIn = (visit: Visit, name: 'bill' | 'payment' | 'before'): string => {
  const id = (name === 'before' ? visit.query.before : visit.params[name]) ?? '';
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new Problem(404, 'no such page');
  return id;
};

/** Bills and fees: look one up by its number, approve its payment at a bank or operator, and follow it. */
export function billPages({ site, backend, now }: PageParts): void {
  async function list(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const before = visit.query.before === undefined ? undefined : idIn(visit, 'before');
    const payments = await backend.billPayments(before, size + 1);
    return visit.show(
      'account/bills.njk',
      {
        section: 'bills',
        entered: { number: input(visit, 'number') },
        payments: payments.slice(0, size),
        older: payments.length > size ? payments[size - 1]?.id : undefined,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/bills', 'signed-in', (visit) => list(visit));

  site.action('/bills', 'signed-in', async (visit) => {
    const { t } = visit.voice;
    const number = input(visit, 'number').replaceAll(' ', '');
    const wrong = (text: string) => list(visit, [{ text, href: '#number' }]);
    if (!billNumber.test(number)) return wrong(t('account.bills.numberMissing'));
    try {
      return visit.goTo(`/bills/${await backend.lookUpBill(number)}`);
    } catch (error) {
      if (!refusedWith(error, 400, 404)) throw error;
      return wrong(t('account.bills.numberUnknown'));
    }
  });

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const bill = await backend.bill(idIn(visit, 'bill'), visit.voice.language);
    const over = bill.validUntil !== undefined && Date.parse(bill.validUntil) < now().getTime();
    return visit.show(
      'account/bill.njk',
      {
        section: 'bills',
        back: '/bills',
        bill,
        over,
        refreshing: refreshes(visit, bill.state === 'asking'),
        institutions: bill.state === 'unpaid' && !over ? await backend.payerInstitutions() : [],
        entered: { institution: input(visit, 'institution'), account: input(visit, 'account') },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/bills/:bill', 'signed-in', (visit) => show(visit));

  site.action('/bills/:bill', 'signed-in', async (visit) => {
    const billId = idIn(visit, 'bill');
    const { t } = visit.voice;
    const institution = input(visit, 'institution');
    const account = input(visit, 'account').replaceAll(' ', '');
    const errors: PageError[] = [
      ...(institution === '' ? [{ text: t('account.bill.institutionMissing'), href: '#institution' }] : []),
      ...(account !== '' && !accountNumber.test(account)
        ? [{ text: t('account.bill.accountWrong'), href: '#account' }]
        : []),
      ...(input(visit, 'approve') !== 'yes'
        ? [{ text: t('account.bill.approveMissing'), href: '#approve' }]
        : []),
    ];
    if (errors.length > 0) return show(visit, errors);
    try {
      const paymentId = await backend.payBill({
        billId,
        institution,
        ...(account === '' ? {} : { account }),
        // Forms send lines with the line ends of the web.
        approvedText: [visit.body.approvedText ?? ''].flat()[0]?.replaceAll('\r\n', '\n') ?? '',
      });
      return visit.goTo(`/bills/payments/${paymentId}`);
    } catch (error) {
      if (!refusedWith(error, 400, 404, 409)) throw error;
      return show(visit, [{ text: t('account.bill.changed'), href: '#approve' }]);
    }
  });

  site.page('/bills/payments/:payment', 'signed-in', async (visit) => {
    const payment = await backend.billPayment(idIn(visit, 'payment'));
    const underWay =
      payment.outcome === 'awaiting-confirmation' ||
      (payment.outcome === 'confirmed' && (payment.billerAnswer ?? 'pending') === 'pending');
    return visit.show('account/bill-payment.njk', {
      section: 'bills',
      back: '/bills',
      payment,
      // A screen that is left behind asks nobody for ever.
      refreshing: refreshes(
        visit,
        underWay && now().getTime() - Date.parse(payment.approvedAt) < refreshedForMs,
      ),
      underWay,
    });
  });

  site.action('/bills/payments/:payment', 'signed-in', async (visit) => {
    const paymentId = idIn(visit, 'payment');
    try {
      await backend.cancelBillPayment(paymentId);
    } catch (error) {
      // It was accepted or ended meanwhile, which its page shows.
      if (!refusedWith(error, 409)) throw error;
    }
    return visit.goTo(`/bills/payments/${paymentId}`);
  });
}
