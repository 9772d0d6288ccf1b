import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import { allTicked, codeFault, enteredIn, given, itemsOf, missingOf, ticked } from './setting-form.ts';
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
] as const;
export const adapters = ['bank', 'mobile-money', 'gsma', 'file'] as const;
const modalities = ['00', '01', '03', '04'] as const;
type Modality = (typeof modalities)[number];
type Entered = Record<(typeof names)[number], string>;

type Rail = Awaited<ReturnType<TreasuryParts['clients']['admin']['listRails']>>['body']['items'][number];

interface RailForm {
  readonly railId?: string;
  readonly entered: Partial<Entered>;
  readonly chosen: readonly string[];
  readonly isDefault: boolean;
  readonly active: boolean;
}

/** An object as JSON; undefined when it is none. */
function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const between = (text: string, low: number, high: number): boolean =>
  /^\d{1,4}$/.test(text) && Number(text) >= low && Number(text) <= high;

/** Banks and operators that may pay out: registered, changed, switched off (PAY-6.6-g). */
export function railPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  const railIn = async (visit: SignedInVisit) => {
    const railId = codeIn(visit, 'rail');
    const found = (await admin.listRails({})).body.items.find((one) => one.railId === railId);
    if (!found) throw new Problem(404, 'no such rail');
    return found;
  };

  const show = (visit: SignedInVisit, form: RailForm, errors: readonly PageError[] = []) =>
    visit.show(
      'treasury/rail.njk',
      { ...settingFrame(parts, visit), ...form, modalities, adapters, errors },
      errors.length > 0 ? 422 : 200,
    );

  site.page('/treasury/settings/rails/new', access, async (visit) =>
    show(visit, {
      entered: { adapter: 'bank', batchSize: '500', concurrency: '4', rank: '100' },
      chosen: [],
      isDefault: false,
      active: true,
    }),
  );

  site.page('/treasury/settings/rails/:rail', access, async (visit) => {
    const one = await railIn(visit);
    return show(visit, {
      railId: one.railId,
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
    const chosen = allTicked(visit, 'modalities').filter((one): one is Modality =>
      modalities.includes(one as Modality),
    );
    const form: RailForm = {
      ...(known === undefined ? {} : { railId: known }),
      entered,
      chosen,
      isDefault: ticked(visit, 'isDefault'),
      active: known === undefined || ticked(visit, 'active'),
    };
    // What has no input stays as it is: limits, rate, opening hours.
    const { railId: _id, debtorAccount: _account, publicKey: _key, ...kept } = before ?? { railId };
    const currencies = itemsOf(entered.currencies.toUpperCase());
    const publicKey = entered.publicKey === '' ? undefined : objectIn(entered.publicKey);
    const settings = entered.settings === '' ? {} : objectIn(entered.settings);
    const errors: PageError[] = [
      ...codeFault(visit, 'railId', railId),
      ...missingOf(visit, entered, ['name', 'service', 'currencies']),
      ...(chosen.length === 0
        ? [{ text: t('treasury.settings.modalitiesMissing'), href: '#modalities' }]
        : []),
      ...(between(entered.batchSize, 1, 1000)
        ? []
        : [{ text: t('treasury.settings.batchSizeWrong'), href: '#batchSize' }]),
      ...(between(entered.concurrency, 1, 64)
        ? []
        : [{ text: t('treasury.settings.concurrencyWrong'), href: '#concurrency' }]),
      ...(entered.publicKey !== '' && publicKey === undefined
        ? [{ text: t('treasury.settings.publicKeyWrong'), href: '#publicKey' }]
        : []),
      ...(settings === undefined ? [{ text: t('treasury.settings.settingsWrong'), href: '#settings' }] : []),
      ...(between(entered.rank, 0, 1000) ? [] : [{ text: t('treasury.settings.rankWrong'), href: '#rank' }]),
    ];
    const refused =
      errors.length > 0
        ? errors
        : await attempt(visit, '#service', () =>
            admin.putRail({
              params: { railId },
              body: {
                ...kept,
                name: entered.name,
                adapter: adapters.find((one) => one === entered.adapter) ?? 'bank',
                rank: Number(entered.rank),
                settings: settings ?? {},
                service: entered.service,
                modalities: chosen,
                institutions: itemsOf(entered.institutions),
                currencies,
                isDefault: form.isDefault,
                batchSize: Number(entered.batchSize),
                concurrency: Number(entered.concurrency),
                ...given('debtorAccount', entered.debtorAccount),
                ...(publicKey === undefined ? {} : { publicKey }),
                active: form.active,
              },
            }),
          );
    if (refused) return show(visit, form, refused);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#rails');
  }

  site.action('/treasury/settings/rails/new', access, (visit) => save(visit, undefined));
  site.action('/treasury/settings/rails/:rail', access, async (visit) => save(visit, await railIn(visit)));
}
