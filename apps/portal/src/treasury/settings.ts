import { input, type SignedInVisit } from '../site/visit.ts';
import { programmePages } from './programme-settings.ts';
import { programmeNames } from './programmes.ts';
import { railPages } from './rail-settings.ts';
import { attempt, type PageError } from './refusals.ts';
import { amountIn, enteredIn, wrongAmount } from './setting-form.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { sourcePages } from './source-settings.ts';

/** Who may pay, from which money, through whom, checked by whom: registered by the treasury (PAY-6.6-c, PAY-6.6-g). */
export function settingPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin, oversight, reconciliation } = clients;

  async function show(
    visit: SignedInVisit,
    entered: Readonly<Record<string, string>> = {},
    errors: readonly PageError[] = [],
  ) {
    const [sources, rails, institutions, checks, limits, keys, nameOf] = await Promise.all([
      admin.listSources({}),
      admin.listRails({}),
      oversight.listInstitutions({}),
      oversight.listScreeningChecks({}),
      reconciliation.listSingleDecisionLimits({}),
      admin.getSigningKeys({}),
      programmeNames(parts),
    ]);
    const programmes = await Promise.all(
      sources.body.items.map(
        async ({ sourceId }) => (await admin.listProgrammes({ params: { sourceId } })).body.items,
      ),
    );
    return visit.show(
      'treasury/settings.njk',
      {
        ...frame(parts, visit, 'settings'),
        sources: sources.body.items.map((one) => ({
          ...one,
          agency: parts.names.member(one.application),
          limit:
            one.autoApproveLimit === undefined
              ? undefined
              : { amount: one.autoApproveLimit, currency: one.autoApproveCurrency },
        })),
        programmes: programmes.flat().map((one) => ({
          ...one,
          title: nameOf(one.programmeId, one.name),
          agencyName: parts.names.member(one.agency),
          money: { amount: one.available, currency: one.currency },
          href: `/treasury/settings/programmes/${one.sourceId}/${one.programmeId}`,
        })),
        rails: rails.body.items,
        institutions: institutions.body.items.map((one) => ({
          ...one,
          memberName: parts.names.member(one.member),
        })),
        checks: checks.body.items,
        limits: limits.body.items.map((one) => ({
          ...one,
          money: one.amount === undefined ? undefined : { amount: one.amount, currency: one.currency },
        })),
        keys: keys.body.keys.map(({ kid, alg, use }) => ({ kid, alg, use })),
        entered,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/settings', access, (visit) => show(visit));

  site.action('/treasury/settings/limits', access, async (visit) => {
    const entered = enteredIn(visit, ['limit', 'limitCurrency']);
    const currency = entered.limitCurrency.toUpperCase();
    const amount = entered.limit === '' ? null : amountIn(entered.limit);
    const errors: readonly PageError[] | undefined = !/^[A-Z]{3}$/.test(currency)
      ? [{ text: visit.voice.t('treasury.settings.currencyWrong'), href: '#limitCurrency' }]
      : amount === undefined
        ? [wrongAmount(visit, 'limit')]
        : await attempt(visit, '#limit', () =>
            reconciliation.putSingleDecisionLimit({ params: { currency }, body: { amount } }),
          );
    if (errors) return show(visit, entered, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#limits');
  });

  // Names the key it replaces: sent twice, it changes the key once.
  site.action('/treasury/settings/signing-key', access, async (visit) => {
    const replaces = input(visit, 'replaces').slice(0, 100);
    const errors = await attempt(visit, '#keys', () => admin.rotateSigningKey({ body: { replaces } }));
    if (errors) return show(visit, {}, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#keys');
  });

  for (const register of [sourcePages, programmePages, railPages]) register(parts);
}
