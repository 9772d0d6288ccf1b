import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { whoDid } from './words.ts';

const size = 25;
const outcomes = ['succeeded', 'refused', 'failed'] as const;
const spans = [1, 7, 30, 365] as const;
/** What can be opened of what is found. */
const pages: Readonly<Record<string, string>> = {
  batch: '/treasury/runs/',
  run: '/treasury/runs/',
  instruction: '/treasury/payments/',
  payment: '/treasury/payments/',
  dispute: '/treasury/disputes/',
};

/** Looking for anything by any of its numbers; who did what, refusals among it (PAY-6.12-j, PAY-6.1-af). */
export function recordPages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;
  const { oversight } = clients;

  type Found = Awaited<ReturnType<typeof oversight.searchRecords>>['body']['items'];

  async function show(
    visit: SignedInVisit,
    searched?: { readonly found: Found; readonly errors: readonly PageError[] },
  ) {
    const { query } = visit;
    const days = spans.find((one) => String(one) === query.days) ?? 7;
    const outcome = outcomes.find((one) => one === query.outcome);
    const wanted = Object.fromEntries(
      ['component', 'action']
        .map((name) => [name, (query[name] ?? '').trim().slice(0, 60)])
        .filter(([, value]) => value !== ''),
    );
    const before = /^[0-9]{1,18}$/.test(query.before ?? '') ? query.before : undefined;
    const { items, next } = (
      await oversight.listAuditEntries({
        query: {
          ...wanted,
          days,
          ...(outcome === undefined ? {} : { outcome }),
          ...(before === undefined ? {} : { before }),
          limit: size,
        },
      })
    ).body;
    const kept = new URLSearchParams({
      ...wanted,
      days: String(days),
      ...(outcome === undefined ? {} : { outcome }),
    });
    return visit.show(
      'treasury/records.njk',
      {
        ...frame(parts, visit, 'records'),
        spans,
        days,
        outcomes,
        outcome,
        wanted,
        entries: items.map((one) => ({
          ...one,
          ...whoDid(visit, names, one.actor),
          said: Object.keys((one.detail ?? {}) as object).length === 0 ? undefined : said(one.detail),
        })),
        newest: before === undefined ? undefined : `/treasury/records?${kept}#log`,
        next: next && `/treasury/records?${kept}&before=${next}#log`,
        found: searched?.found.map((one) => ({
          ...one,
          href: pages[one.kind] === undefined ? undefined : `${pages[one.kind]}${one.id}`,
        })),
        entered: { reference: input(visit, 'reference'), payee: input(visit, 'payee') },
        errors: searched?.errors ?? [],
      },
      searched && searched.errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/records', access, (visit) => show(visit));

  // What is looked for stands in the body: it may be about a person.
  site.action('/treasury/records', access, async (visit) => {
    const reference = input(visit, 'reference').slice(0, 128);
    const payeeIdentity = input(visit, 'payee').slice(0, 36);
    if (reference === '' && payeeIdentity === '')
      return show(visit, {
        found: [],
        errors: [{ text: visit.voice.t('treasury.records.missing'), href: '#reference' }],
      });
    let found: Found = [];
    const errors = await attempt(visit, '#reference', async () => {
      const body = {
        ...(reference === '' ? {} : { reference }),
        ...(payeeIdentity === '' ? {} : { payeeIdentity }),
      };
      found = (await oversight.searchRecords({ body })).body.items;
    });
    return show(visit, { found, errors: errors ?? [] });
  });
}

const said = (detail: unknown): string => JSON.stringify(detail, undefined, 1);
