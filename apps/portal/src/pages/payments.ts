import { newId, Problem } from '@govstack/platform';
import { complaintReasons } from '../backend.ts';
import type { PageError } from '../registries/refusals.ts';
import { formKey, input, pageNumber, type SignedInVisit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 24;
const mostText = 2000;

/** Payments to the person: each with its receipt, to be printed or taken along, and a way to complain. */
export function paymentPages({ site, backend }: PageParts): void {
  site.page('/payments', 'signed-in', async (visit) => {
    const page = pageNumber(visit);
    const list = await backend.payments(visit.viewer, { page, size });
    return visit.show('account/payments.njk', { section: 'payments', list: { ...list, page } });
  });

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const one = await backend.payment(visit.viewer, visit.params.payment as string);
    return visit.show(
      'account/payment.njk',
      {
        section: 'payments',
        back: '/payments',
        ...one,
        reasons: complaintReasons,
        entered: { reason: input(visit, 'reason'), text: input(visit, 'text') },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/payments/:payment', 'signed-in', (visit) => show(visit));

  site.page('/payments/:payment/receipt.json', 'signed-in', async (visit) => {
    const { receipt } = await backend.payment(visit.viewer, visit.params.payment as string);
    if (!receipt) throw new Problem(404, 'no receipt yet');
    return visit.reply
      .header('content-type', 'application/json; charset=utf-8')
      .header('content-disposition', `attachment; filename="receipt-${receipt.number}.json"`)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .send(JSON.stringify(receipt, undefined, 2));
  });

  site.action('/payments/:payment', 'signed-in', async (visit) => {
    const paymentId = visit.params.payment as string;
    const reason = complaintReasons.find((one) => one === input(visit, 'reason'));
    const text = input(visit, 'text').slice(0, mostText);
    const { t } = visit.voice;
    const errors: PageError[] = [
      ...(reason === undefined ? [{ text: t('account.payment.reasonMissing'), href: '#reason' }] : []),
      ...(text === '' ? [{ text: t('account.payment.textMissing'), href: '#text' }] : []),
    ];
    if (reason === undefined || errors.length > 0) return show(visit, errors);
    await backend.complain(visit.viewer, paymentId, { reason, text }, formKey(visit) || newId());
    visit.leaveNotice('complaintSent');
    return visit.goTo(`/payments/${encodeURIComponent(paymentId)}`);
  });
}
