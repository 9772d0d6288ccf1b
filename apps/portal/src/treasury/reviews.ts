import { Problem } from '@govstack/platform';
import { periodOf } from '../mediated/payments-received.ts';
import { cursorIn, idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt, orRefused, type PageError } from './refusals.ts';
import { manages } from './run-acts.ts';
import { choiceIn } from './setting-form.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { whoDid } from './words.ts';

const size = 25;
const reviewStates = ['open', 'released', 'rejected'] as const;
const decisions = ['released', 'rejected'] as const;

/** Payments that a check of payees holds for a person, before anybody can approve their run (PAY-6.1-j, PAY-6.9-i). */
export function reviewPages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;
  const { admin, oversight } = clients;

  const paymentOf = async (instructionId: string) => {
    const { body } = await admin.getInstruction({ params: { instructionId } });
    return { ...body, money: { amount: body.amount, currency: body.currency } };
  };

  site.page('/treasury/reviews', access, async (visit) => {
    const state = choiceIn(reviewStates, visit.query.state ?? '') ?? 'open';
    const batchId = cursorIn(visit, 'run');
    const after = cursorIn(visit, 'after');
    const { items, next } = (
      await oversight.listReviews({
        query: {
          state,
          ...(batchId === undefined ? {} : { batchId }),
          ...(after === undefined ? {} : { after }),
          limit: size,
        },
      })
    ).body;
    const payments = await Promise.all(items.map((one) => paymentOf(one.instructionId)));
    const at = (more: Readonly<Record<string, string>>): string =>
      `/treasury/reviews?${new URLSearchParams({ ...(batchId === undefined ? {} : { run: batchId }), ...more })}`;
    return visit.show('treasury/reviews.njk', {
      ...frame(parts, visit, 'reviews'),
      ...(batchId === undefined ? {} : { back: `/treasury/runs/${batchId}` }),
      states: reviewStates.map((one) => ({ key: one, href: at({ state: one }) })),
      state,
      reviews: items.map((one, index) => ({
        ...one,
        payment: payments[index],
      })),
      first: after === undefined ? undefined : at({ state }),
      next: next && at({ state, after: next }),
    });
  });

  async function show(
    visit: SignedInVisit,
    failed?: { readonly reviewId: string; readonly errors: readonly PageError[] },
  ) {
    const instructionId = idIn(visit, 'payment');
    const [payment, reviews] = await Promise.all([
      paymentOf(instructionId),
      oversight.listReviews({ query: { instructionId, limit: 100 } }),
    ]);
    if (reviews.body.items.length === 0) throw new Problem(404, 'no check holds this payment');
    const run = (await admin.getBatch({ params: { batchId: payment.batchId } })).body;
    const { sourceId, programmeId } = run;
    const programme = await orRefused(admin.getProgramme({ params: { sourceId, programmeId } }));
    const waits = run.state === 'received';
    const made = run.makerPerson === visit.viewer.id;
    const may = waits && !made && manages(parts, visit, programme?.body.agency);
    return visit.show(
      'treasury/review.njk',
      {
        ...frame(parts, visit, 'reviews'),
        back: '/treasury/reviews',
        payment,
        run,
        period: periodOf(run.clientBatchId, run.createdAt),
        reviews: reviews.body.items.map((one) => ({
          ...one,
          decides: may && one.state === 'open',
          made: waits && made && one.state === 'open',
          by: one.decidedBy === undefined ? undefined : whoDid(visit, names, one.decidedBy),
        })),
        decisions,
        failed: failed?.reviewId,
        entered: { decision: input(visit, 'decision'), note: input(visit, 'note') },
        errors: failed?.errors ?? [],
      },
      failed ? 422 : 200,
    );
  }

  site.page('/treasury/payments/:payment/reviews', access, (visit) => show(visit));

  site.action('/treasury/payments/:payment/reviews/:review', access, async (visit) => {
    const reviewId = idIn(visit, 'review');
    const decision = choiceIn(decisions, input(visit, 'decision'));
    const note = input(visit, 'note').slice(0, 1000);
    const { t } = visit.voice;
    const missing: PageError[] = [
      ...(decision === undefined
        ? [{ text: t('treasury.reviews.decisionMissing'), href: `#decision-${reviewId}` }]
        : []),
      ...(note === '' ? [{ text: t('treasury.cases.noteMissing'), href: `#note-${reviewId}` }] : []),
    ];
    const errors =
      missing.length > 0 || decision === undefined
        ? missing
        : await attempt(visit, `#note-${reviewId}`, () =>
            oversight.decideReview({ params: { reviewId }, body: { decision, note } }),
          );
    if (errors) return show(visit, { reviewId, errors });
    visit.leaveNotice('reviewDecided');
    return visit.goTo(`/treasury/payments/${idIn(visit, 'payment')}/reviews`);
  });
}
