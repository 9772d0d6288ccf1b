import { newId, Problem } from '@govstack/platform';
import { input } from '../site/visit.ts';
import type { ConsoleParts } from './catalogue.ts';
import { everyPage } from './clients.ts';

const access = { roles: ['administrator'] };
const requestId = /^[0-9a-f-]{36}$/;

/** Asking for access, and deciding on what others ask for (IM-6.2-e, h). */
export function requestPages({ site, clients, names }: ConsoleParts): void {
  const { registration } = clients;

  site.page('/exchange/requests', access, async (visit) => {
    const requests = await everyPage(async (pageToken) => {
      const query = { pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) };
      return (await registration.listRequests({ query })).body;
    });
    const listed = requests
      .map((request) => {
        const { consumer, purpose } = request.document as { consumer?: string; purpose?: string };
        const provider = request.subject.split('/').slice(0, 3).join('/');
        return {
          ...request,
          purpose,
          asks: consumer === undefined ? undefined : names.party(consumer),
          agencyName: names.member(request.agency),
          // Only the provider decides on access; the mediator has the last word.
          open:
            request.state === 'SUBMITTED_FOR_APPROVAL' &&
            (request.kind !== 'access' || provider === visit.viewer.agency),
        };
      })
      .sort(
        (one, other) =>
          Number(other.open) - Number(one.open) || (one.requestedAt < other.requestedAt ? 1 : -1),
      );
    return visit.show('exchange/requests.njk', { section: 'exchange', back: '/exchange', requests: listed });
  });

  site.action('/exchange/requests/:request/decision', access, async (visit) => {
    const request = visit.params.request as string;
    if (!requestId.test(request)) throw new Problem(404, 'no such request');
    const approve = input(visit, 'decision') === 'approve';
    const reason = input(visit, 'reason').slice(0, 1000);
    await registration.decideRequest({
      params: { request },
      body: { approve, ...(reason === '' ? {} : { reason }) },
    });
    visit.leaveNotice(approve ? 'requestApproved' : 'requestDeclined');
    return visit.goTo('/exchange/requests');
  });

  site.action('/exchange/services/:service/access', access, async (visit) => {
    const service = visit.params.service as string;
    const purpose = input(visit, 'purpose').slice(0, 1000);
    const plan = input(visit, 'plan');
    const params = { request: newId() };
    await registration.putRequest({
      params,
      body: {
        kind: 'access',
        consumer: input(visit, 'consumer'),
        service,
        ...(plan === '' ? {} : { plan }),
        ...(purpose === '' ? {} : { purpose }),
      },
    });
    await registration.submitRequest({ params });
    visit.leaveNotice('requestFiled');
    return visit.goTo('/exchange/requests');
  });
}
