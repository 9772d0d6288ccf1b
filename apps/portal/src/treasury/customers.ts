import { cursorIn, idIn } from '../site/ids.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import { choiceIn } from './setting-form.ts';
import { access, codeIn, frame, type TreasuryParts } from './shell.ts';

const here = '/treasury/customers';
const size = 25;
type Status = 'completed' | 'failed' | 'returned';

/** What an institution can still say of a payment, by the state it is in. */
const sayable: Readonly<Record<string, readonly Status[]>> = {
  submitted: ['completed', 'failed'],
  unknown: ['completed', 'failed'],
  completed: ['returned'],
};

/** The desk of an institution: what it has to credit to its own customers, as a table to take along, and what became of it (PAY-6.6-h, PAY-6.16.1-b). */
export function customerPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { oversight } = clients;

  site.page(here, access, async (visit) => {
    const { items } = (await oversight.listInstitutions({})).body;
    const mine = items.filter((one) => one.active && one.member === visit.viewer.agency);
    const [only] = mine;
    if (mine.length === 1 && only) return visit.goTo(`${here}/${only.code}`);
    return visit.show('treasury/customers.njk', { ...frame(parts, visit, 'customers'), institutions: mine });
  });

  site.page(`${here}/:institution`, access, async (visit) => {
    const code = codeIn(visit, 'institution');
    const before = cursorIn(visit, 'before');
    const { items, next } = (
      await oversight.listCustomerSubBatches({
        params: { code },
        query: { ...(before === undefined ? {} : { before }), limit: size },
      })
    ).body;
    return visit.show('treasury/customers.njk', {
      ...frame(parts, visit, 'customers'),
      code,
      batches: items.map((one) => ({
        ...one,
        href: `${here}/${code}/${one.subBatchId}`,
        money: { amount: one.amount, currency: one.currency },
      })),
      newest: before === undefined ? undefined : `${here}/${code}`,
      next: next && `${here}/${code}?before=${next}`,
    });
  });

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const code = codeIn(visit, 'institution');
    const subBatchId = idIn(visit, 'batch');
    const after = cursorIn(visit, 'after');
    const base = `${here}/${code}/${subBatchId}`;
    const { items, next } = (
      await oversight.listCustomerPayments({
        params: { code },
        query: { subBatchId, ...(after === undefined ? {} : { after }), limit: size },
      })
    ).body;
    const payments = items.map((one) => ({
      ...one,
      money: { amount: one.amount, currency: one.currency },
      sayable: one.byHand ? (sayable[one.state] ?? []) : [],
      entered: Object.fromEntries(
        ['result', 'number', 'reason'].map((name) => [name, input(visit, `${name}-${one.instructionId}`)]),
      ),
    }));
    return visit.show(
      'treasury/customer-payments.njk',
      {
        ...frame(parts, visit, 'customers'),
        back: `${here}/${code}`,
        code,
        base,
        action: after === undefined ? base : `${base}?after=${after}`,
        payments,
        reports: payments.some((one) => one.sayable.length > 0),
        // The table holds what is still to be credited.
        table: payments.some((one) => one.byHand && ['submitted', 'unknown'].includes(one.state)),
        first: after === undefined ? undefined : base,
        next: next && `${base}?after=${next}`,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const one = `${here}/:institution/:batch`;
  site.page(one, access, (visit) => show(visit));

  site.action(one, access, async (visit) => {
    const code = codeIn(visit, 'institution');
    const statuses = ['completed', 'failed', 'returned'] as const;
    const results = Object.keys(visit.body).flatMap((name) => {
      const [, reference] = /^result-([0-9a-f-]{36})$/.exec(name) ?? [];
      const status = choiceIn(statuses, input(visit, name));
      if (reference === undefined || status === undefined) return [];
      const number = input(visit, `number-${reference}`).slice(0, 50);
      const reasonCode = input(visit, `reason-${reference}`).slice(0, 40);
      return [
        {
          reference,
          status,
          ...(number === '' ? {} : { institutionReference: number }),
          ...(reasonCode === '' ? {} : { reasonCode }),
        },
      ];
    });
    const errors =
      results.length === 0
        ? [{ text: visit.voice.t('treasury.customers.nothingSaid'), href: '#payments' }]
        : await attempt(visit, '#payments', () =>
            // The form's own key: sent twice, it is one report.
            oversight.reportCustomerResults({
              params: { code },
              body: { uploadId: `portal-${formKey(visit)}`, results },
            }),
          );
    if (errors) return show(visit, errors);
    visit.leaveNotice('resultsTold');
    return visit.goTo(`${here}/${code}/${idIn(visit, 'batch')}`);
  });

  site.page(`${one}/table`, access, async (visit) => {
    const params = { code: codeIn(visit, 'institution'), subBatchId: idIn(visit, 'batch') };
    const { body } = await oversight.getCustomerTable({ params });
    return visit.reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="payments-${params.subBatchId}.csv"`)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .send(body);
  });
}
