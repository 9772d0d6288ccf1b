import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import {
  amountIn,
  codeFault,
  enteredIn,
  given,
  itemsOf,
  missingOf,
  ticked,
  wrongAmount,
} from './setting-form.ts';
import { access, codeIn, settingFrame, type TreasuryParts } from './shell.ts';

const names = [
  'sourceId',
  'name',
  'application',
  'institutionId',
  'callbackService',
  'callbackPath',
  'callbackUrls',
] as const;
type Entered = Record<(typeof names)[number], string>;

/** Systems that may hand payments over: registered, changed, and how much they may have paid without a person. */
export function sourcePages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  const sourceIn = async (visit: SignedInVisit) => {
    const sourceId = codeIn(visit, 'source');
    const found = (await admin.listSources({})).body.items.find((one) => one.sourceId === sourceId);
    if (!found) throw new Problem(404, 'no such source');
    return found;
  };

  const show = (
    visit: SignedInVisit,
    model: {
      readonly sourceId?: string;
      readonly entered: Partial<Entered>;
      readonly active: boolean;
      readonly limit?: { readonly amount: string; readonly currency: string } | undefined;
    },
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'treasury/source.njk',
      { ...settingFrame(parts, visit), ...model, errors },
      errors.length > 0 ? 422 : 200,
    );

  const asEntered = (one: Awaited<ReturnType<typeof sourceIn>>): Partial<Entered> => ({
    name: one.name,
    application: one.application,
    institutionId: one.institutionId,
    callbackService: one.callbackService ?? '',
    callbackPath: one.callbackPath ?? '',
    callbackUrls: one.callbackUrls.join('\n'),
  });
  const limitOf = (one: Awaited<ReturnType<typeof sourceIn>>) =>
    one.autoApproveLimit === undefined || one.autoApproveCurrency === undefined
      ? undefined
      : { amount: one.autoApproveLimit, currency: one.autoApproveCurrency };

  site.page('/treasury/settings/sources/new', access, async (visit) =>
    show(visit, { entered: {}, active: true }),
  );

  site.page('/treasury/settings/sources/:source', access, async (visit) => {
    const one = await sourceIn(visit);
    return show(visit, {
      sourceId: one.sourceId,
      entered: asEntered(one),
      active: one.active,
      limit: limitOf(one),
    });
  });

  async function save(visit: SignedInVisit, known: string | undefined) {
    const entered = enteredIn(visit, names);
    const sourceId = known ?? entered.sourceId;
    const active = known === undefined || ticked(visit, 'active');
    const errors = [
      ...codeFault(visit, 'sourceId', sourceId),
      ...missingOf(visit, entered, ['name', 'application', 'institutionId']),
    ];
    const refused =
      errors.length > 0
        ? errors
        : await attempt(visit, '#application', () =>
            admin.putSource({
              params: { sourceId },
              body: {
                name: entered.name,
                application: entered.application,
                institutionId: entered.institutionId,
                ...given('callbackService', entered.callbackService),
                ...given('callbackPath', entered.callbackPath),
                callbackUrls: itemsOf(entered.callbackUrls),
                active,
              },
            }),
          );
    if (refused)
      return show(visit, { ...(known === undefined ? {} : { sourceId: known }), entered, active }, refused);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#sources');
  }

  site.action('/treasury/settings/sources/new', access, (visit) => save(visit, undefined));
  site.action('/treasury/settings/sources/:source', access, async (visit) =>
    save(visit, (await sourceIn(visit)).sourceId),
  );

  site.action('/treasury/settings/sources/:source/limit', access, async (visit) => {
    const one = await sourceIn(visit);
    const text = input(visit, 'limit');
    const limit = text === '' ? null : amountIn(text);
    const currency = input(visit, 'limitCurrency').toUpperCase();
    const errors =
      limit === undefined
        ? [wrongAmount(visit, 'limit')]
        : limit !== null && !/^[A-Z]{3}$/.test(currency)
          ? [{ text: visit.voice.t('treasury.settings.currencyWrong'), href: '#limitCurrency' }]
          : await attempt(visit, '#limit', () =>
              admin.setAutoApproveLimit({
                params: { sourceId: one.sourceId },
                body: {
                  limit: limit as string | null,
                  currency: currency === '' ? (one.autoApproveCurrency ?? 'XXX') : currency,
                },
              }),
            );
    if (errors)
      return show(
        visit,
        {
          sourceId: one.sourceId,
          entered: asEntered(one),
          active: one.active,
          limit: { amount: text, currency },
        },
        errors,
      );
    visit.leaveNotice('settingSaved');
    return visit.goTo(`/treasury/settings/sources/${one.sourceId}`);
  });
}
