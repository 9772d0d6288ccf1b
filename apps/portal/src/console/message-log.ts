import type { Names } from '../mediated/names.ts';
import { input } from '../site/visit.ts';
import type { ConsoleParts } from './catalogue.ts';
import { consoleRoles } from './roles.ts';

const statuses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;
const filters = ['client', 'service', 'error', 'messageId'] as const;
const exchangePattern = /^[0-9a-f-]{36}$/;

const partiesOf = (names: Names, one: { readonly client: string; readonly service: string }) => ({
  client: names.party(one.client),
  provider: names.party(one.service.split('/').slice(0, 4).join('/')),
  code: one.service.split('/').at(-1),
});

/** A day as people enter it, as an instant; undefined when it is none. */
const instantOf = (day: string): string | undefined =>
  /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)) ? `${day}T00:00:00Z` : undefined;

/** What was exchanged, with the evidence of it (IM-8.4-a). */
export function messageLogPages({ site, clients, names }: ConsoleParts): void {
  const { log } = clients;
  const access = { roles: consoleRoles };

  site.page('/exchange/messages', access, async (visit) => {
    const wanted = Object.fromEntries(
      filters.map((name) => [name, (visit.query[name] ?? '').trim()]).filter(([, value]) => value !== ''),
    );
    const status = statuses.find((one) => one === visit.query.status);
    const from = instantOf(visit.query.from ?? '');
    const { items, nextPageToken } = (
      await log.searchExchanges({
        query: {
          ...wanted,
          ...(status === undefined ? {} : { status }),
          ...(from === undefined ? {} : { from }),
          ...(visit.query.token === undefined ? {} : { pageToken: visit.query.token }),
          pageSize: 50,
        },
      })
    ).body;
    const kept = new URLSearchParams({
      ...wanted,
      ...(status === undefined ? {} : { status }),
      ...(from === undefined ? {} : { from: from.slice(0, 10) }),
    });
    return visit.show('exchange/messages.njk', {
      section: 'exchange',
      back: '/exchange',
      filters,
      wanted,
      statuses,
      status,
      from: from?.slice(0, 10),
      next: nextPageToken && `/exchange/messages?${kept}&token=${encodeURIComponent(nextPageToken)}`,
      exchanges: items.map((one) => ({ ...one, ...partiesOf(names, one) })),
    });
  });

  const one = async (exchangeId: string) => {
    const { body } = await log.getExchange({
      params: { exchangeId: exchangePattern.test(exchangeId) ? exchangeId : '' },
    });
    return { ...body, ...partiesOf(names, body), operator: body.operator && names.party(body.operator) };
  };

  site.page('/exchange/messages/:exchange', access, async (visit) =>
    visit.show('exchange/message.njk', {
      section: 'exchange',
      back: '/exchange/messages',
      exchange: await one(visit.params.exchange as string),
      mayRead: visit.viewer.roles.includes('auditor'),
    }),
  );

  site.action('/exchange/messages/:exchange/container', { roles: ['auditor'] }, async (visit) => {
    const exchangeId = visit.params.exchange as string;
    const message = input(visit, 'message') === 'response' ? 'response' : 'request';
    const reason = input(visit, 'reason');
    if (reason.length < 10)
      return visit.show(
        'exchange/message.njk',
        {
          section: 'exchange',
          back: '/exchange/messages',
          exchange: await one(exchangeId),
          mayRead: true,
          message,
          reason,
          errors: [{ text: visit.voice.t('exchange.message.reasonShort'), href: '#reason' }],
        },
        400,
      );
    const { body } = await log.getContainer({ params: { exchangeId }, body: { message, reason } });
    return visit.reply
      .header('content-type', body.mediaType)
      .header('content-disposition', `attachment; filename="${body.fileName}"`)
      .send(Buffer.from(body.container, 'base64'));
  });

  site.action('/exchange/messages/:exchange/contents', { roles: ['auditor'] }, async (visit) => {
    const exchangeId = visit.params.exchange as string;
    const message = input(visit, 'message') === 'response' ? 'response' : 'request';
    const reason = input(visit, 'reason');
    const long = reason.length >= 10;
    const contents = long
      ? (await log.getMessageContents({ params: { exchangeId }, body: { message, reason } })).body
      : undefined;
    return visit.show(
      'exchange/message.njk',
      {
        section: 'exchange',
        back: '/exchange/messages',
        exchange: await one(exchangeId),
        mayRead: true,
        message,
        reason,
        contents,
        errors: long ? [] : [{ text: visit.voice.t('exchange.message.reasonShort'), href: '#reason' }],
      },
      long ? 200 : 400,
    );
  });
}
