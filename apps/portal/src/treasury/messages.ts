import { choiceIn } from './setting-form.ts';
import { access, cursorIn, frame, idIn, type TreasuryParts } from './shell.ts';

const size = 25;
const messageStates = ['waiting', 'delivered', 'dead'] as const;

/** Messages to sources, billers and payers' institutions: on their way, arrived, given up; a copy of each (PAY-6.1-ac, PAY-6.7-a, PAY-6.1-d). */
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

  site.page('/treasury/messages/:message', access, async (visit) => {
    const { body } = await oversight.getNotice({ params: { noticeId: idIn(visit, 'message') } });
    return visit.show('treasury/message.njk', {
      ...frame(parts, visit, 'messages'),
      back: '/treasury/messages',
      message: body,
      // Of a message with voucher numbers no copy is kept.
      content: body.body === null ? undefined : JSON.stringify(body.body, undefined, 2),
    });
  });
}
