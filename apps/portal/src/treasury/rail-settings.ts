import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { amountsIn, amountsText, holidaysIn, windowsIn, windowsText } from './rail-texts.ts';
import { attempt, type PageError } from './refusals.ts';
import {
  allTicked,
  choiceIn,
  codeFault,
  enteredIn,
  given,
  itemsOf,
  listIn,
  missingOf,
  objectIn,
  ticked,
  ticksIn,
  wrongChoice,
} from './setting-form.ts';
import { access, codeIn, settingFrame, type TreasuryParts } from './shell.ts';

const names = [
  'railId',
  'name',
  'adapter',
  'service',
  'institutions',
  'currencies',
  'debtorAccount',
  'batchSize',
  'concurrency',
  'publicKey',
  'rank',
  'settings',
  'maximumAmounts',
  'transfersPerSecond',
  'answerWithinSeconds',
  'timeZone',
  'windows',
  'holidays',
] as const;
export const adapters = ['bank', 'mobile-money', 'gsma', 'file', 'by-hand', 'voucher'] as const;
const modalities = ['00', '01', '02', '03', '04'] as const;
type Entered = Record<(typeof names)[number], string>;

type Rail = Awaited<ReturnType<TreasuryParts['clients']['admin']['listRails']>>['body']['items'][number];

interface RailForm {
  readonly entered: Partial<Entered>;
  readonly chosen: readonly string[];
  readonly isDefault: boolean;
  readonly active: boolean;
}

/** Inputs of whole numbers, with the least and the most; the last two may be left empty. */
const numbers = {
  batchSize: [1, 1000],
  concurrency: [1, 64],
  rank: [0, 1000],
  transfersPerSecond: [1, 10_000],
  answerWithinSeconds: [1, 30 * 86_400],
} as const;
const optionalNumbers: readonly string[] = ['transfersPerSecond', 'answerWithinSeconds'];

/** Limits and opening hours as a form shows them. */
const timesOf = (one: Rail | undefined) => ({
  maximumAmounts: amountsText(one?.maximumAmounts),
  timeZone: one?.calendar?.timeZone ?? '',
  windows: windowsText(one?.calendar),
  holidays: (one?.calendar?.holidays ?? []).join('\n'),
});

/** Opening hours as they were entered; those that nobody changed stay exactly as they were. */
function calendarIn(entered: Entered, before: Rail | undefined): Rail['calendar'] | 'wrong' {
  const shown = timesOf(before);
  if ((['timeZone', 'windows', 'holidays'] as const).every((name) => entered[name] === shown[name]))
    return before?.calendar;
  const windows = windowsIn(entered.windows);
  const holidays = holidaysIn(entered.holidays);
  if (entered.timeZone === '' && entered.windows === '' && entered.holidays === '') return undefined;
  if (entered.timeZone === '' || !windows || windows.length === 0 || !holidays) return 'wrong';
  return { timeZone: entered.timeZone, windows, ...(holidays.length === 0 ? {} : { holidays }) };
}

const between = (text: string, low: number, high: number): boolean =>
  /^\d{1,7}$/.test(text) && Number(text) >= low && Number(text) <= high;

/** Kinds of rail to choose from: those with a name here, and the one that a rail has. */
const adaptersOf = (before: Rail | undefined): readonly string[] =>
  before === undefined || adapters.some((one) => one === before.adapter)
    ? adapters
    : [...adapters, before.adapter];

/** Banks and operators that may pay out: registered, changed, switched off (PAY-6.6-g). */
export function railPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  const find = async (railId: string) =>
    (await admin.listRails({})).body.items.find((one) => one.railId === railId);
  const railIn = async (visit: SignedInVisit) => {
    const found = await find(codeIn(visit, 'rail'));
    if (!found) throw new Problem(404, 'no such rail');
    return found;
  };

  const show = (
    visit: SignedInVisit,
    before: Rail | undefined,
    form: RailForm,
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'treasury/rail.njk',
      {
        ...settingFrame(parts, visit),
        railId: before?.railId,
        ...form,
        modalities,
        adapters: adaptersOf(before),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );

  site.page('/treasury/settings/rails/new', access, async (visit) =>
    show(visit, undefined, {
      entered: { adapter: 'bank', batchSize: '500', concurrency: '4', rank: '100' },
      chosen: [],
      isDefault: false,
      active: true,
    }),
  );

  site.page('/treasury/settings/rails/:rail', access, async (visit) => {
    const one = await railIn(visit);
    return show(visit, one, {
      entered: {
        name: one.name,
        adapter: one.adapter,
        service: one.service,
        institutions: one.institutions.join('\n'),
        currencies: one.currencies.join(', '),
        debtorAccount: one.debtorAccount ?? '',
        batchSize: String(one.batchSize),
        concurrency: String(one.concurrency),
        publicKey: one.publicKey === undefined ? '' : JSON.stringify(one.publicKey, undefined, 2),
        rank: String(one.rank),
        settings: Object.keys(one.settings).length === 0 ? '' : JSON.stringify(one.settings, undefined, 2),
        transfersPerSecond: String(one.transfersPerSecond ?? ''),
        answerWithinSeconds: String(one.answerWithinSeconds ?? ''),
        ...timesOf(one),
      },
      chosen: one.modalities,
      isDefault: one.isDefault,
      active: one.active,
    });
  });

  async function save(visit: SignedInVisit, before: Rail | undefined) {
    const known = before?.railId;
    const { t } = visit.voice;
    const entered = enteredIn(visit, names);
    const railId = known ?? entered.railId;
    const chosen = ticksIn(modalities, allTicked(visit, 'modalities'), before?.modalities);
    const form: RailForm = {
      entered,
      chosen,
      isDefault: ticked(visit, 'isDefault'),
      active: known === undefined || ticked(visit, 'active'),
    };
    const adapter = choiceIn(adaptersOf(before), entered.adapter);
    const maximumAmounts = amountsIn(entered.maximumAmounts);
    const calendar = calendarIn(entered, before);
    const publicKey = entered.publicKey === '' ? undefined : objectIn(entered.publicKey);
    const settings = entered.settings === '' ? {} : objectIn(entered.settings);
    const errors: PageError[] = [
      ...codeFault(visit, 'railId', railId, before === undefined && (await find(railId)) !== undefined),
      ...(adapter === undefined ? [wrongChoice(visit, 'adapter')] : []),
      ...missingOf(visit, entered, ['name', 'service', 'currencies']),
      ...(chosen.length === 0
        ? [{ text: t('treasury.settings.modalitiesMissing'), href: '#modalities' }]
        : []),
      ...Object.entries(numbers).flatMap(([name, [low, high]]) => {
        const text = entered[name as keyof typeof numbers];
        if (between(text, low, high) || (text === '' && optionalNumbers.includes(name))) return [];
        const field = t(`treasury.settings.fields.${name}`);
        return [{ text: t('treasury.settings.numberWrong', { name: field, low, high }), href: `#${name}` }];
      }),
      ...(maximumAmounts === undefined
        ? [{ text: t('treasury.settings.amountsWrong'), href: '#maximumAmounts' }]
        : []),
      ...(calendar === 'wrong' ? [{ text: t('treasury.settings.hoursWrong'), href: '#windows' }] : []),
      ...(entered.publicKey !== '' && publicKey === undefined
        ? [{ text: t('treasury.settings.publicKeyWrong'), href: '#publicKey' }]
        : []),
      ...(settings === undefined ? [{ text: t('treasury.settings.settingsWrong'), href: '#settings' }] : []),
    ];
    const refused =
      errors.length > 0 || adapter === undefined || calendar === 'wrong'
        ? errors
        : await attempt(visit, '#service', () =>
            admin.putRail({
              params: { railId },
              body: {
                name: entered.name,
                adapter,
                rank: Number(entered.rank),
                settings: settings ?? {},
                service: entered.service,
                modalities: chosen,
                institutions: listIn(entered.institutions, before?.institutions),
                currencies: itemsOf(entered.currencies.toUpperCase()),
                isDefault: form.isDefault,
                batchSize: Number(entered.batchSize),
                concurrency: Number(entered.concurrency),
                maximumAmounts: maximumAmounts ?? {},
                ...(entered.transfersPerSecond === ''
                  ? {}
                  : { transfersPerSecond: Number(entered.transfersPerSecond) }),
                ...(entered.answerWithinSeconds === ''
                  ? {}
                  : { answerWithinSeconds: Number(entered.answerWithinSeconds) }),
                ...(calendar === undefined ? {} : { calendar }),
                ...given('debtorAccount', entered.debtorAccount),
                ...(publicKey === undefined ? {} : { publicKey }),
                active: form.active,
              },
            }),
          );
    if (refused) return show(visit, before, form, refused);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#rails');
  }

  site.action('/treasury/settings/rails/new', access, (visit) => save(visit, undefined));
  site.action('/treasury/settings/rails/:rail', access, async (visit) => save(visit, await railIn(visit)));
}
