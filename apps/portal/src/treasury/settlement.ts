import { Problem } from '@govstack/platform';
import { cursorIn, idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { reconciliationFrame } from './reconciliation.ts';
import { attempt, type PageError } from './refusals.ts';
import { isRealDay } from './setting-form.ts';
import { access, isCode, type TreasuryParts } from './shell.ts';

const size = 25;
const here = '/treasury/reconciliation/settlement';
const base = ['grossPaid', 'grossReturned', 'net', 'fees'] as const;

/** What each bank and operator is to be settled for, by business day: as it stands, closed, and as a file (PAY-5.1.12). */
export function settlementPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { reconciliation } = clients;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const today = parts.today();
    const wanted = visit.query.day ?? input(visit, 'day');
    const day = isRealDay(wanted) ? wanted : today;
    const before = cursorIn(visit, 'before');
    const [figures, closed, rails] = await Promise.all([
      reconciliation.getSettlementFigures({ query: { day } }),
      reconciliation.listSettlements({
        query: { ...(before === undefined ? {} : { before }), limit: size },
      }),
      clients.admin.listRails({}),
    ]);
    const names = new Map(rails.body.items.map((one) => [one.railId, one.name]));
    type Figures = (typeof figures.body.items)[number];
    const line = <T extends Figures>(one: T) => ({
      ...one,
      name: names.get(one.railId) ?? one.railId,
      sums: base.map((key) => ({ key, money: { amount: one[key], currency: one.currency } })),
    });
    return visit.show(
      'treasury/settlement.njk',
      {
        ...reconciliationFrame(parts, visit, 'settlement'),
        picked: day,
        today,
        closes: day < today,
        figures: figures.body.items.map(line),
        closed: closed.body.items.map(line),
        newest: before === undefined ? undefined : here,
        next: closed.body.next && `${here}?before=${closed.body.next}`,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(here, access, (visit) => show(visit));

  site.action(here, access, async (visit) => {
    const [railId, currency, day] = ['railId', 'currency', 'day'].map((name) => input(visit, name));
    if (!isCode(railId ?? '') || !/^[A-Z]{3}$/.test(currency ?? '') || !isRealDay(day ?? ''))
      throw new Problem(400, 'no such day of settlement');
    const errors = await attempt(visit, '#figures', () =>
      reconciliation.closeSettlementDay({
        body: { railId: railId as string, currency: currency as string, day: day as string },
      }),
    );
    if (errors) return show(visit, errors);
    visit.leaveNotice('dayClosed');
    return visit.goTo(`${here}?day=${day}#closed`);
  });

  site.page(`${here}/:settlement/file`, access, async (visit) => {
    const settlementId = idIn(visit, 'settlement');
    const { body } = await reconciliation.getSettlementFile({ params: { settlementId } });
    return visit.reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="settlement-${settlementId}.csv"`)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .send(body);
  });
}
