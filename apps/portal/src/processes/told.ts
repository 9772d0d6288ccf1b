import { cursorIn } from '../site/ids.ts';
import { input } from '../site/visit.ts';
import { attempt } from './refusals.ts';
import { frame, instancePath, operatorAccess, type ProcessParts } from './shell.ts';

const pageSize = 50;

/** States of instances that whoever wanted to hear of them has not taken, and how they are sent again. */
export function toldPages({ site, clients: { admin } }: ProcessParts): void {
  const path = '/processes/notices';

  site.page(path, operatorAccess, async (visit) => {
    const after = cursorIn(visit, 'after');
    const all = visit.query.all === 'yes';
    const { body } = await admin.listNotices({
      query: {
        limit: pageSize,
        ...(all ? {} : { givenUp: true }),
        ...(after === undefined ? {} : { after }),
      },
    });
    const kept = new URLSearchParams(all ? { all: 'yes' } : {});
    return visit.show('processes/notices.njk', {
      ...frame(visit, 'connections'),
      here: path,
      back: '/processes/connections',
      all,
      notices: body.notices.map((one) => ({ ...one, href: instancePath(one.instanceId) })),
      first: after === undefined ? undefined : `${path}?${kept}`,
      next:
        body.next === undefined
          ? undefined
          : `${path}?${new URLSearchParams([...kept, ['after', body.next]])}`,
    });
  });

  site.action(path, operatorAccess, async (visit) => {
    const noticeId = input(visit, 'notice');
    // One that is tried again already, or was taken meanwhile, is as it should be.
    await attempt(visit, '#notices', () => admin.sendNotice({ params: { noticeId } }));
    visit.leaveNotice('noticeSentAgain');
    return visit.goTo(path);
  });
}
