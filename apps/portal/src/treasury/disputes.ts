import { newId } from '@govstack/platform';
import { cursorIn, idIn } from '../site/ids.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { attempt, orNone, type PageError } from './refusals.ts';
import { managingRoles } from './roles.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { whoDid } from './words.ts';

const size = 25;
export const disputeStates = ['open', 'in-review', 'waiting', 'resolved', 'withdrawn'] as const;
export const disputeReasons = [
  'not-received',
  'wrong-amount',
  'wrong-account',
  'paid-twice',
  'not-entitled',
  'late',
  'other',
] as const;
const outcomes = ['upheld', 'rejected'] as const;
const closed: readonly string[] = ['resolved', 'withdrawn'];
/** From which states a dispute goes where, as the block has it. */
const moves = {
  'in-review': ['waiting'],
  waiting: ['in-review'],
  resolved: ['in-review', 'waiting'],
  withdrawn: ['open', 'in-review', 'waiting'],
} as const satisfies Record<string, readonly (typeof disputeStates)[number][]>;
type Move = keyof typeof moves;

/** Disputes and complaints about payments: found, answered, settled (PAY-5.3.3-c). */
export function disputePages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;
  const { oversight } = clients;
  type Dispute = Awaited<ReturnType<typeof oversight.getDispute>>['body'];

  const manages = ({ viewer }: SignedInVisit): boolean =>
    managingRoles.some((role) => viewer.roles.includes(role));

  site.page('/treasury/disputes', access, async (visit) => {
    const state = disputeStates.find((one) => one === visit.query.state);
    const overdue = visit.query.overdue === 'yes';
    const before = cursorIn(visit, 'before');
    const { items, next } = (
      await oversight.listDisputes({
        query: {
          ...(state === undefined ? {} : { state }),
          ...(overdue ? { overdue } : {}),
          ...(before === undefined ? {} : { before }),
          limit: size,
        },
      })
    ).body;
    const kept = new URLSearchParams({
      ...(state === undefined ? {} : { state }),
      ...(overdue ? { overdue: 'yes' } : {}),
    });
    const at = (cursor?: string): string => {
      const query = new URLSearchParams({
        ...Object.fromEntries(kept),
        ...(cursor ? { before: cursor } : {}),
      });
      return query.size === 0 ? '/treasury/disputes' : `/treasury/disputes?${query}`;
    };
    return visit.show('treasury/disputes.njk', {
      ...frame(parts, visit, 'disputes'),
      disputes: items,
      states: disputeStates,
      state,
      overdue,
      newest: before === undefined ? undefined : at(),
      next: next && at(next),
    });
  });

  /** What this person can do with a dispute as it stands: nobody settles what they have opened themselves. */
  function actsOn(visit: SignedInVisit, one: Dispute) {
    const opener = whoDid(visit, names, one.openedBy).mine;
    const may = manages(visit) && !closed.includes(one.state);
    const goes = (to: Move): boolean => (moves[to] as readonly string[]).includes(one.state);
    return {
      take: may && one.assignedTo !== visit.viewer.id,
      comment: may || (opener && !closed.includes(one.state)),
      wait: may && goes('waiting'),
      review: may && goes('in-review'),
      resolve: may && goes('resolved') && !opener,
      withdraw: opener && goes('withdrawn'),
    };
  }

  async function show(visit: SignedInVisit, disputeId: string, errors: readonly PageError[] = []) {
    const one = (await oversight.getDispute({ params: { disputeId } })).body;
    const payment = await orNone(
      clients.admin.getInstruction({ params: { instructionId: one.instructionId } }),
    );
    const acts = actsOn(visit, one);
    return visit.show(
      'treasury/dispute.njk',
      {
        ...frame(parts, visit, 'disputes'),
        back: '/treasury/disputes',
        dispute: one,
        mine: one.assignedTo === visit.viewer.id,
        payment: payment && {
          ...payment.body,
          money: { amount: payment.body.amount, currency: payment.body.currency },
        },
        acts,
        acting: Object.values(acts).some((may) => may),
        opener: whoDid(visit, names, one.openedBy),
        outcomes,
        entries: one.entries
          .toReversed()
          .map((entry) => ({ ...entry, ...whoDid(visit, names, entry.actor) })),
        entered: {
          act: input(visit, '_action'),
          text: input(visit, 'text'),
          outcome: input(visit, 'outcome'),
        },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/disputes/:dispute', access, (visit) => show(visit, idIn(visit, 'dispute')));

  site.action('/treasury/disputes/:dispute', access, async (visit) => {
    const disputeId = idIn(visit, 'dispute');
    const params = { disputeId };
    const text = input(visit, 'text').slice(0, 4000);
    const { t } = visit.voice;
    const textMissing: PageError[] = [{ text: t('treasury.disputes.textMissing'), href: '#text' }];
    const move = async (to: Exclude<Move, 'resolved'>) =>
      text === ''
        ? textMissing
        : attempt(visit, '#text', () => oversight.moveDispute({ params, body: { to, text } }));
    let errors: readonly PageError[] | undefined;
    switch (input(visit, '_action')) {
      case 'take':
        errors = await attempt(visit, '#acts', () =>
          oversight.assignDispute({ params, body: { assignee: visit.viewer.id } }),
        );
        break;
      case 'wait':
        errors = await move('waiting');
        break;
      case 'review':
        errors = await move('in-review');
        break;
      case 'withdraw':
        errors = await move('withdrawn');
        break;
      case 'resolve': {
        const outcome = outcomes.find((one) => one === input(visit, 'outcome'));
        errors =
          outcome === undefined
            ? [{ text: t('treasury.disputes.outcomeMissing'), href: '#outcome' }]
            : text === ''
              ? textMissing
              : await attempt(visit, '#text', () =>
                  oversight.moveDispute({ params, body: { to: 'resolved', outcome, text } }),
                );
        break;
      }
      default:
        errors =
          text === ''
            ? textMissing
            : await attempt(visit, '#text', () => oversight.commentDispute({ params, body: { text } }));
    }
    if (errors) return show(visit, disputeId, errors);
    visit.leaveNotice('disputeChanged');
    return visit.goTo(`/treasury/disputes/${disputeId}`);
  });

  async function showNew(visit: SignedInVisit, instructionId: string, errors: readonly PageError[] = []) {
    const one = (await clients.admin.getInstruction({ params: { instructionId } })).body;
    return visit.show(
      'treasury/dispute-new.njk',
      {
        ...frame(parts, visit, 'disputes'),
        back: `/treasury/payments/${instructionId}`,
        payment: { ...one, money: { amount: one.amount, currency: one.currency } },
        reasons: disputeReasons,
        entered: { reason: input(visit, 'reason'), text: input(visit, 'text') },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/payments/:payment/dispute', access, (visit) => showNew(visit, idIn(visit, 'payment')));
  site.action('/treasury/payments/:payment/dispute', access, async (visit) => {
    const instructionId = idIn(visit, 'payment');
    const reason = disputeReasons.find((one) => one === input(visit, 'reason'));
    const text = input(visit, 'text').slice(0, 4000);
    const { t } = visit.voice;
    const faults = [
      ...(reason === undefined ? [{ text: t('treasury.disputes.reasonMissing'), href: '#reason' }] : []),
      ...(text === '' ? [{ text: t('treasury.disputes.textMissing'), href: '#text' }] : []),
    ];
    if (reason === undefined || faults.length > 0) return showNew(visit, instructionId, faults);
    let disputeId = '';
    const errors = await attempt(visit, '#text', async () => {
      const clientId = formKey(visit) || newId();
      disputeId = (await oversight.openDispute({ body: { clientId, instructionId, reason, text } })).body
        .dispute.disputeId;
    });
    if (errors) return showNew(visit, instructionId, errors);
    visit.leaveNotice('disputeOpened');
    return visit.goTo(`/treasury/disputes/${disputeId}`);
  });
}
