import { cursorIn, idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { railsKnown } from './programmes.ts';
import { attempt, type PageError } from './refusals.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { whoDid } from './words.ts';

const size = 25;
const caseStates = ['open', 'resolved'] as const;
const outcomes = ['paid', 'not-paid', 'acknowledged'] as const;
/** Of an unknown outcome a person says how it ended; of a contradicted payment, whether it may be made anew. */
const outcomesOf: Readonly<Record<string, readonly (typeof outcomes)[number][]>> = {
  'unknown-too-long': outcomes,
  contradiction: ['not-paid', 'acknowledged'],
};

/** What people have to look at: found, and closed with what was found out (PAY-6.1-c). */
export function casePages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;
  const { admin } = clients;

  async function show(
    visit: SignedInVisit,
    failed?: { readonly caseId: string; readonly errors: readonly PageError[] },
  ) {
    const state = caseStates.find((one) => one === visit.query.state) ?? 'open';
    const before = cursorIn(visit, 'before');
    const [{ body }, rails] = await Promise.all([
      admin.listCases({ query: { state, ...(before === undefined ? {} : { before }), limit: size } }),
      railsKnown(parts, visit),
    ]);
    const { items, next } = body;
    return visit.show(
      'treasury/cases.njk',
      {
        ...frame(parts, visit, 'cases'),
        state,
        states: caseStates,
        cases: items.map((one) => ({
          ...one,
          railName: one.rail === undefined ? undefined : (rails.get(one.rail)?.name ?? one.rail),
          outcomes: outcomesOf[one.kind] ?? [],
          by: one.resolvedBy === undefined ? undefined : whoDid(visit, names, one.resolvedBy),
        })),
        newest: before === undefined ? undefined : `/treasury/cases?state=${state}`,
        next: next && `/treasury/cases?state=${state}&before=${next}`,
        failed: failed?.caseId,
        entered: { note: input(visit, 'note'), outcome: input(visit, 'outcome') },
        errors: failed?.errors ?? [],
      },
      failed ? 422 : 200,
    );
  }

  site.page('/treasury/cases', access, (visit) => show(visit));

  site.action('/treasury/cases/:case', access, async (visit) => {
    const caseId = idIn(visit, 'case');
    const href = `#note-${caseId}`;
    const note = input(visit, 'note').slice(0, 1000);
    const outcome = outcomes.find((one) => one === input(visit, 'outcome'));
    const { t } = visit.voice;
    if (note === '' || outcome === undefined)
      return show(visit, {
        caseId,
        errors: [
          ...(outcome === undefined
            ? [{ text: t('treasury.cases.chooseOutcome'), href: `#outcome-${caseId}` }]
            : []),
          ...(note === '' ? [{ text: t('treasury.cases.noteMissing'), href }] : []),
        ],
      });
    const errors = await attempt(visit, href, () =>
      admin.resolveCase({ params: { caseId }, body: { outcome, note } }),
    );
    if (errors) return show(visit, { caseId, errors });
    visit.leaveNotice('caseResolved');
    return visit.goTo('/treasury/cases');
  });
}
