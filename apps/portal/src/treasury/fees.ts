import { cursorIn } from '../site/ids.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { reconciliationFrame } from './reconciliation.ts';
import { attempt, type PageError } from './refusals.ts';
import { amountIn, choiceIn, enteredIn, wrongChoice } from './setting-form.ts';
import { access, type TreasuryParts } from './shell.ts';

const size = 25;
const here = '/treasury/reconciliation/fees';
const inputs = ['railId', 'modality', 'currency', 'bands'] as const;
const modalities = ['00', '01', '03', '04'] as const;
const bandParts = ['upTo', 'flat', 'perMille', 'minimum', 'maximum'] as const;
type Band = { [P in (typeof bandParts)[number]]?: string };

/** A band as a line says it: up to which amount, flat, per mille, least, most; a dash for what it has not. */
function bandIn(line: string): Band | undefined {
  const words = line.split(/\s+/);
  const pairs = words.map((word, index) => {
    const value =
      bandParts[index] === 'perMille'
        ? (/^\d{1,3}(\.\d{1,3})?$/.exec(word)?.[0] ?? undefined)
        : amountIn(word);
    return [bandParts[index], word === '-' ? '' : value] as const;
  });
  if (words.length > bandParts.length || pairs.some(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}

/** Bands one a line, in order; undefined when a line is none. */
function bandsIn(text: string): Band[] | undefined {
  const found = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(bandIn);
  return found.every((one) => one !== undefined) ? found : undefined;
}

/** What banks and operators charge: schedules with all their versions, and a new one (PAY-6.1-l). */
export function feePages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { reconciliation } = clients;

  async function show(
    visit: SignedInVisit,
    entered: Readonly<Record<string, string>> = {},
    errors: readonly PageError[] = [],
  ) {
    const before = cursorIn(visit, 'before');
    const [schedules, rails] = await Promise.all([
      reconciliation.listFeeSchedules({
        query: { ...(before === undefined ? {} : { before }), limit: size },
      }),
      clients.admin.listRails({}),
    ]);
    const names = new Map(rails.body.items.map((one) => [one.railId, one.name]));
    return visit.show(
      'treasury/fees.njk',
      {
        ...reconciliationFrame(parts, visit, 'fees'),
        schedules: schedules.body.items.map((one) => {
          const money = (amount: string | undefined) =>
            amount === undefined ? undefined : { amount, currency: one.currency };
          return {
            ...one,
            name: names.get(one.railId) ?? one.railId,
            bands: one.bands.map(({ upTo, flat, perMille, minimum, maximum }) => ({
              upTo: money(upTo),
              flat: money(flat),
              perMille,
              minimum: money(minimum),
              maximum: money(maximum),
            })),
          };
        }),
        rails: rails.body.items.map((one) => ({ value: one.railId, text: one.name })),
        modalities,
        newest: before === undefined ? undefined : here,
        next: schedules.body.next && `${here}?before=${schedules.body.next}`,
        entered,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(here, access, (visit) => show(visit));

  site.action(here, access, async (visit) => {
    const entered = enteredIn(visit, inputs);
    const currency = entered.currency.toUpperCase();
    const modality = choiceIn(modalities, entered.modality);
    const bands = bandsIn(entered.bands);
    const { t } = visit.voice;
    const faults: PageError[] = [
      ...(entered.railId === ''
        ? [
            {
              text: t('treasury.settings.choiceWrong', { name: t('treasury.heads.rail') }),
              href: '#railId',
            },
          ]
        : []),
      ...(entered.modality !== '' && modality === undefined ? [wrongChoice(visit, 'modality')] : []),
      ...(/^[A-Z]{3}$/.test(currency)
        ? []
        : [{ text: t('treasury.settings.currencyWrong'), href: '#currency' }]),
      ...(bands === undefined ? [{ text: t('treasury.fees.bandsWrong'), href: '#bands' }] : []),
    ];
    const errors =
      faults.length > 0
        ? faults
        : await attempt(visit, '#bands', () =>
            reconciliation.postFeeSchedule({
              body: {
                railId: entered.railId,
                currency,
                ...(modality === undefined ? {} : { modality }),
                bands: bands ?? [],
              },
            }),
          );
    if (errors) return show(visit, entered, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo(here);
  });
}
