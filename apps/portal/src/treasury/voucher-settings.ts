import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { programmesSeen } from './programmes.ts';
import { attempt, type PageError } from './refusals.ts';
import { amountIn, codeFault, enteredIn, given, itemsOf, missingOf, ticked } from './setting-form.ts';
import { access, codeIn, frame, isCode, type TreasuryParts } from './shell.ts';

const groupInputs = [
  'programme',
  'groupCode',
  'name',
  'description',
  'validityDays',
  'merchantGroups',
  'denominations',
] as const;
const merchantInputs = [
  'merchantId',
  'name',
  'application',
  'voucherGroups',
  'paymentModality',
  'bankingInstitutionCode',
  'financialAddress',
] as const;
const daySeconds = 86_400;
const modalities = ['00', '01', '03', '04'] as const;

interface Denomination {
  readonly amount: string;
  readonly stockThreshold?: number;
}

/** Denominations one per line: the amount and, after it, how many must be in stock; undefined when a line says neither. */
function denominationsIn(text: string): Denomination[] | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const found = lines.map((line): Denomination | undefined => {
    const [first = '', second] = line.split(/\s+/);
    const amount = amountIn(first);
    if (amount === undefined || (second !== undefined && !/^\d{1,7}$/.test(second))) return undefined;
    return { amount, ...(second === undefined ? {} : { stockThreshold: Number(second) }) };
  });
  return found.every((one) => one !== undefined) ? found : undefined;
}

/** Voucher groups with their denominations, and merchants: set up, changed, switched off (PAY-6.2.1-b). */
export function voucherSettingPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { vouchers } = clients;
  const around = (visit: SignedInVisit) => ({
    ...frame(parts, visit, 'vouchers'),
    back: '/treasury/vouchers',
  });

  const groupIn = async (visit: SignedInVisit) => {
    const sourceId = codeIn(visit, 'source');
    const groupCode = codeIn(visit, 'group');
    const [found] = (await vouchers.listVoucherGroups({ query: { sourceId, groupCode } })).body.items;
    if (!found) throw new Problem(404, 'no such group');
    return found;
  };
  type Group = Awaited<ReturnType<typeof groupIn>>;

  async function showGroup(
    visit: SignedInVisit,
    group: Group | undefined,
    entered: Readonly<Record<string, string>>,
    ticks: Readonly<Record<string, boolean>>,
    errors: readonly PageError[] = [],
  ) {
    const programmes = await programmesSeen(parts, visit);
    return visit.show(
      'treasury/voucher-group-form.njk',
      {
        ...around(visit),
        ...(group ? { back: `/treasury/vouchers/${group.sourceId}/${group.groupCode}` } : {}),
        group,
        programmes: programmes.map((one) => ({
          value: `${one.sourceId}/${one.programmeId}`,
          text: `${one.name} (${one.sourceId}/${one.programmeId})`,
        })),
        entered,
        ticks,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const flags = ['onDemand', 'variableAmounts', 'cancelSuspended', 'active'] as const;

  async function saveGroup(visit: SignedInVisit, known: Group | undefined) {
    const { t } = visit.voice;
    const entered = enteredIn(visit, groupInputs);
    const ticks = Object.fromEntries(flags.map((name) => [name, ticked(visit, name)])) as Record<
      (typeof flags)[number],
      boolean
    >;
    const [sourceId = '', programmeId = ''] = known
      ? [known.sourceId, known.programmeId]
      : entered.programme.split('/');
    const groupCode = known?.groupCode ?? entered.groupCode;
    const days = /^\d{1,4}$/.test(entered.validityDays) ? Number(entered.validityDays) : 0;
    const denominations = denominationsIn(entered.denominations);
    const errors: PageError[] = [
      ...(isCode(sourceId) && isCode(programmeId)
        ? []
        : [{ text: t('treasury.vouchers.programmeMissing'), href: '#programme' }]),
      ...codeFault(visit, 'groupCode', groupCode),
      ...missingOf(visit, entered, ['name']),
      ...(days < 1 || days > 3650 ? [{ text: t('treasury.vouchers.daysWrong'), href: '#validityDays' }] : []),
      ...(denominations === undefined
        ? [{ text: t('treasury.vouchers.denominationsWrong'), href: '#denominations' }]
        : []),
    ];
    const refused =
      errors.length > 0
        ? errors
        : await attempt(visit, '#name', () =>
            vouchers.putVoucherGroup({
              params: { sourceId, groupCode },
              body: {
                programmeId,
                name: entered.name,
                ...given('description', entered.description),
                validitySeconds: days * daySeconds,
                merchantGroups: itemsOf(entered.merchantGroups),
                ...ticks,
                active: known === undefined || ticks.active,
                // What has no input stays as it is.
                ...(known?.payeeCheck === undefined ? {} : { payeeCheck: known.payeeCheck }),
                denominations: denominations ?? [],
              },
            }),
          );
    if (refused) return showGroup(visit, known, entered, ticks, refused);
    visit.leaveNotice('settingSaved');
    return visit.goTo(`/treasury/vouchers/${sourceId}/${groupCode}`);
  }

  site.page('/treasury/voucher-groups/new', access, (visit) =>
    showGroup(visit, undefined, { validityDays: '180' }, { active: true }),
  );
  site.action('/treasury/voucher-groups/new', access, (visit) => saveGroup(visit, undefined));
  site.page('/treasury/vouchers/:source/:group/details', access, async (visit) => {
    const group = await groupIn(visit);
    return showGroup(
      visit,
      group,
      {
        name: group.name,
        description: group.description ?? '',
        validityDays: String(Math.round(group.validitySeconds / daySeconds)),
        merchantGroups: group.merchantGroups.join('\n'),
        denominations: group.denominations
          .map(({ amount, stockThreshold }) => `${amount} ${stockThreshold}`)
          .join('\n'),
      },
      Object.fromEntries(flags.map((name) => [name, group[name]])),
    );
  });
  site.action('/treasury/vouchers/:source/:group/details', access, async (visit) =>
    saveGroup(visit, await groupIn(visit)),
  );

  const showMerchant = async (
    visit: SignedInVisit,
    merchantId: string | undefined,
    entered: Readonly<Record<string, string>>,
    active: boolean,
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'treasury/merchant.njk',
      { ...around(visit), merchantId, entered, active, modalities, errors },
      errors.length > 0 ? 422 : 200,
    );

  const merchantIn = async (visit: SignedInVisit) => {
    const merchantId = codeIn(visit, 'merchant');
    const { items } = (await vouchers.listMerchants({ query: { limit: 500 } })).body;
    const found = items.find((one) => one.merchantId === merchantId);
    if (!found) throw new Problem(404, 'no such merchant');
    return found;
  };

  async function saveMerchant(visit: SignedInVisit, known: string | undefined) {
    const entered = enteredIn(visit, merchantInputs);
    const merchantId = known ?? entered.merchantId;
    const active = known === undefined || ticked(visit, 'active');
    const errors = [
      ...codeFault(visit, 'merchantId', merchantId),
      ...missingOf(visit, entered, ['name', 'application', 'financialAddress']),
    ];
    const refused =
      errors.length > 0
        ? errors
        : await attempt(visit, '#name', () =>
            vouchers.putMerchant({
              params: { merchantId },
              body: {
                name: entered.name,
                application: entered.application,
                voucherGroups: itemsOf(entered.voucherGroups),
                paymentModality: modalities.find((one) => one === entered.paymentModality) ?? '00',
                ...given('bankingInstitutionCode', entered.bankingInstitutionCode),
                financialAddress: entered.financialAddress,
                active,
              },
            }),
          );
    if (refused) return showMerchant(visit, known, entered, active, refused);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/vouchers#merchants');
  }

  site.page('/treasury/merchants/new', access, (visit) =>
    showMerchant(visit, undefined, { paymentModality: '00' }, true),
  );
  site.action('/treasury/merchants/new', access, (visit) => saveMerchant(visit, undefined));
  site.page('/treasury/merchants/:merchant', access, async (visit) => {
    const one = await merchantIn(visit);
    return showMerchant(
      visit,
      one.merchantId,
      {
        name: one.name,
        application: one.application,
        voucherGroups: one.voucherGroups.join('\n'),
        paymentModality: one.paymentModality,
        bankingInstitutionCode: one.bankingInstitutionCode ?? '',
      },
      one.active,
    );
  });
  site.action('/treasury/merchants/:merchant', access, async (visit) =>
    saveMerchant(visit, (await merchantIn(visit)).merchantId),
  );
}
