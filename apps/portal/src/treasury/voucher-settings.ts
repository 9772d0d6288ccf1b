import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { programmesSeen } from './programmes.ts';
import { attempt, type PageError } from './refusals.ts';
import {
  amountIn,
  choiceIn,
  codeFault,
  enteredIn,
  given,
  listIn,
  missingOf,
  ticked,
  wrongChoice,
} from './setting-form.ts';
import { access, codeIn, frame, isCode, type TreasuryParts } from './shell.ts';
import { unitNames, units, validityOf } from './words.ts';

const groupInputs = [
  'programme',
  'groupCode',
  'name',
  'description',
  'validity',
  'validityUnit',
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
const mostSeconds = 3650 * units.days;
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
        units: unitNames,
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

  const flags = ['onDemand', 'forRuns', 'variableAmounts', 'cancelSuspended', 'active'] as const;

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
    const unit = choiceIn(unitNames, entered.validityUnit);
    const validitySeconds =
      unit !== undefined && /^\d{1,9}$/.test(entered.validity) ? Number(entered.validity) * units[unit] : 0;
    const taken =
      known === undefined &&
      isCode(sourceId) &&
      isCode(groupCode) &&
      (await vouchers.listVoucherGroups({ query: { sourceId, groupCode } })).body.items.length > 0;
    const denominations = denominationsIn(entered.denominations);
    const errors: PageError[] = [
      ...(isCode(sourceId) && isCode(programmeId)
        ? []
        : [{ text: t('treasury.vouchers.programmeMissing'), href: '#programme' }]),
      ...codeFault(visit, 'groupCode', groupCode, taken),
      ...missingOf(visit, entered, ['name']),
      ...(validitySeconds < 1 || validitySeconds > mostSeconds
        ? [{ text: t('treasury.vouchers.validityWrong'), href: '#validity' }]
        : []),
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
                validitySeconds,
                merchantGroups: listIn(entered.merchantGroups, known?.merchantGroups),
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
    showGroup(visit, undefined, { validity: '180', validityUnit: 'days' }, { active: true }),
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
        ...validityOf(group.validitySeconds),
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

  type Merchant = Awaited<ReturnType<typeof vouchers.listMerchants>>['body']['items'][number];

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

  /** A merchant by its code: the list is all there is to ask. */
  async function findMerchant(merchantId: string) {
    let after: string | undefined;
    do {
      const query = { limit: 500, ...(after === undefined ? {} : { after }) };
      const { items, next } = (await vouchers.listMerchants({ query })).body;
      const found = items.find((one) => one.merchantId === merchantId);
      if (found) return found;
      after = next;
    } while (after !== undefined);
    return undefined;
  }

  const merchantIn = async (visit: SignedInVisit): Promise<Merchant> => {
    const found = await findMerchant(codeIn(visit, 'merchant'));
    if (!found) throw new Problem(404, 'no such merchant');
    return found;
  };

  async function saveMerchant(visit: SignedInVisit, before: Merchant | undefined) {
    const entered = enteredIn(visit, merchantInputs);
    const merchantId = before?.merchantId ?? entered.merchantId;
    const active = before === undefined || ticked(visit, 'active');
    const paymentModality = choiceIn(modalities, entered.paymentModality);
    const taken = before === undefined && (await findMerchant(merchantId)) !== undefined;
    const errors = [
      ...codeFault(visit, 'merchantId', merchantId, taken),
      ...(paymentModality === undefined ? [wrongChoice(visit, 'paymentModality')] : []),
      ...missingOf(visit, entered, ['name', 'application', 'financialAddress']),
    ];
    const refused =
      errors.length > 0 || paymentModality === undefined
        ? errors
        : await attempt(visit, '#name', () =>
            vouchers.putMerchant({
              params: { merchantId },
              body: {
                name: entered.name,
                application: entered.application,
                voucherGroups: listIn(entered.voucherGroups, before?.voucherGroups),
                paymentModality,
                ...given('bankingInstitutionCode', entered.bankingInstitutionCode),
                financialAddress: entered.financialAddress,
                active,
              },
            }),
          );
    if (refused) return showMerchant(visit, before?.merchantId, entered, active, refused);
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
    saveMerchant(visit, await merchantIn(visit)),
  );
}
