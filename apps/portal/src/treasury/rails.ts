import { cursorIn, idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import { access, frame, isCode, type TreasuryParts } from './shell.ts';

const size = 25;
const ages = [0, 3600, 86_400] as const;
const outcomes = ['paid', 'not-paid'] as const;

/** How things stand at each bank and operator, and payments of which nobody has said how they ended (PAY-6.1-b, PAY-5.3.1-k). */
export function trafficPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  async function show(
    visit: SignedInVisit,
    failed?: { readonly id: string; readonly errors: readonly PageError[] },
    said?: { readonly id: string; readonly said: string },
  ) {
    const wanted = visit.query.rail ?? '';
    const railId = isCode(wanted) ? wanted : undefined;
    const olderThanSeconds = ages.find((one) => String(one) === visit.query.age) ?? 0;
    const after = cursorIn(visit, 'after');
    const [rails, traffic, unknowns] = await Promise.all([
      admin.listRails({}),
      admin.listRailTraffic({}),
      admin.listUnknowns({
        query: {
          olderThanSeconds,
          ...(railId === undefined ? {} : { railId }),
          ...(after === undefined ? {} : { after }),
          limit: size,
        },
      }),
    ]);
    const names = new Map(rails.body.items.map((one) => [one.railId, one.name]));
    const { items, next } = unknowns.body;
    const kept = new URLSearchParams({
      ...(railId === undefined ? {} : { rail: railId }),
      ...(olderThanSeconds === 0 ? {} : { age: String(olderThanSeconds) }),
    });
    const at = (cursor?: string): string => {
      const query = new URLSearchParams({
        ...Object.fromEntries(kept),
        ...(cursor ? { after: cursor } : {}),
      });
      return query.size === 0 ? '/treasury/rails' : `/treasury/rails?${query}`;
    };
    return visit.show(
      'treasury/rails.njk',
      {
        ...frame(parts, visit, 'rails'),
        traffic: traffic.body.items.map((one) => ({ ...one, name: names.get(one.railId) ?? one.railId })),
        rails: rails.body.items.map((one) => ({ value: one.railId, text: one.name })),
        rail: railId,
        ages,
        age: olderThanSeconds,
        unknowns: items.map((one) => ({
          ...one,
          name: names.get(one.rail) ?? one.rail,
          money: { amount: one.amount, currency: one.currency },
        })),
        first: after === undefined ? undefined : at(),
        next: next && at(next),
        outcomes,
        failed: failed?.id,
        said,
        entered: { outcome: input(visit, 'outcome'), evidence: input(visit, 'evidence') },
        errors: failed?.errors ?? [],
      },
      failed ? 422 : 200,
    );
  }

  site.page('/treasury/rails', access, (visit) => show(visit));

  site.action('/treasury/unknowns/:payment', access, async (visit) => {
    const id = idIn(visit, 'payment');
    const params = { instructionId: id };
    const { t } = visit.voice;
    if (input(visit, '_action') === 'ask') {
      let said = '';
      const errors = await attempt(visit, `#payment-${id}`, async () => {
        said = (await admin.askRail({ params })).body.said;
      });
      return errors ? show(visit, { id, errors }) : show(visit, undefined, { id, said });
    }
    const outcome = outcomes.find((one) => one === input(visit, 'outcome'));
    const evidence = input(visit, 'evidence').slice(0, 1000);
    if (outcome === undefined || evidence === '')
      return show(visit, {
        id,
        errors: [
          ...(outcome === undefined
            ? [{ text: t('treasury.cases.chooseOutcome'), href: `#outcome-${id}` }]
            : []),
          ...(evidence === ''
            ? [{ text: t('treasury.rails.evidenceMissing'), href: `#evidence-${id}` }]
            : []),
        ],
      });
    const errors = await attempt(visit, `#evidence-${id}`, () =>
      admin.decideUnknown({ params, body: { outcome, evidence } }),
    );
    if (errors) return show(visit, { id, errors });
    visit.leaveNotice('unknownDecided');
    return visit.goTo('/treasury/rails');
  });
}
