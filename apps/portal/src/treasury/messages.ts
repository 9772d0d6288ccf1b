import { cursorIn, idIn } from '../site/ids.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import { choiceIn } from './setting-form.ts';
import { access, administers, frame, type TreasuryParts } from './shell.ts';

const size = 25;
const messageStates = ['waiting', 'delivered', 'dead'] as const;

/** Messages to sources, billers and payers' institutions: on their way, arrived, given up, sent again; a copy of each (PAY-6.1-ac, PAY-6.7-a, PAY-6.1-d). */
export function messagePages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { oversight } = clients;

  site.page('/treasury/messages', access, async (visit) => {
    const state = choiceIn(messageStates, visit.query.state ?? '');
    const overdue = visit.query.overdue === 'yes';
    const before = cursorIn(visit, 'before');
    const { items, next } = (
      await oversight.listNotices({
        query: {
          ...(state === undefined ? {} : { state }),
          ...(overdue ? { overdue } : {}),
          ...(before === undefined ? {} : { before }),
          limit: size,
        },
      })
    ).body;
    const at = (cursor?: string): string => {
      const query = new URLSearchParams({
        ...(state === undefined ? {} : { state }),
        ...(overdue ? { overdue: 'yes' } : {}),
        ...(cursor === undefined ? {} : { before: cursor }),
      });
      return query.size === 0 ? '/treasury/messages' : `/treasury/messages?${query}`;
    };
    return visit.show('treasury/messages.njk', {
      ...frame(parts, visit, 'messages'),
      messages: items,
      states: messageStates,
      state,
      overdue,
      newest: before === undefined ? undefined : at(),
      next: next && at(next),
    });
  });

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { body } = await oversight.getNotice({ params: { noticeId: idIn(visit, 'message') } });
    return visit.show(
      'treasury/message.njk',
      {
        ...frame(parts, visit, 'messages'),
        back: '/treasury/messages',
        message: body,
        resends: body.state === 'dead' && body.kind !== 'voucher-details' && administers(parts, visit),
        // Of a message with voucher numbers no copy is shown.
        content: body.body === null ? undefined : JSON.stringify(body.body, undefined, 2),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const one = '/treasury/messages/:message';
  site.page(one, access, (visit) => show(visit));
  site.action(one, access, async (visit) => {
    const noticeId = idIn(visit, 'message');
    const errors = await attempt(visit, '#acts', () => oversight.resendNotice({ params: { noticeId } }));
    if (errors) return show(visit, errors);
    visit.leaveNotice('messageSentAgain');
    return visit.goTo(`/treasury/messages/${noticeId}`);
  });
}
