import { Problem } from '@govstack/platform';
import { cursorIn } from '../site/ids.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { programmeNames } from './programmes.ts';
import { attempt, orNone, orRefused, type PageError } from './refusals.ts';
import { amountIn, wrongAmount } from './setting-form.ts';
import { access, administersVouchers, codeIn, frame, type TreasuryParts } from './shell.ts';
import { validityOf, whoDid } from './words.ts';

const size = 50;
export const voucherStates = [
  'provisioned',
  'pre-activated',
  'activated',
  'suspended',
  'blocked',
  'redeeming',
  'redeemed',
  'cancelled',
  'expired',
  'purged',
] as const;

/** What can be done with a voucher, by the state it is in. */
const controls = {
  suspend: ['activated'],
  unsuspend: ['suspended'],
  block: ['activated'],
  unblock: ['blocked'],
  cancel: ['pre-activated', 'activated', 'suspended', 'blocked'],
  purge: ['redeemed', 'cancelled', 'expired'],
} as const;
type Control = keyof typeof controls;

const operations = {
  suspend: 'suspendVoucher',
  unsuspend: 'unsuspendVoucher',
  block: 'blockVoucher',
  unblock: 'unblockVoucher',
  cancel: 'cancelVoucher',
  purge: 'purgeVoucher',
} as const satisfies Record<Control, string>;

/** Vouchers: how many are in which state, what they are worth, whether the stock lasts; stock is made, single ones are looked at and held back. */
export function voucherPages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;
  const { vouchers } = clients;

  async function show(
    visit: SignedInVisit,
    failed?: { readonly errors: readonly PageError[]; readonly entered: Readonly<Record<string, string>> },
  ) {
    const after = visit.query.after ?? '';
    const page = { ...(/^[\w.-]{1,36}\/[\w.-]{1,36}$/.test(after) ? { after } : {}), limit: size };
    const [nameOf, report, groups, merchants] = await Promise.all([
      programmeNames(parts),
      vouchers.voucherReport({ query: page }),
      vouchers.listVoucherGroups({ query: page }),
      orRefused(vouchers.listMerchants({ query: { limit: 500 } })),
    ]);
    const groupNames = new Map(
      groups.body.items.map((one) => [`${one.sourceId}/${one.groupCode}`, one.name] as const),
    );
    return visit.show(
      'treasury/vouchers.njk',
      {
        ...frame(parts, visit, 'vouchers'),
        lines: report.body.lines.map((line) => ({
          ...line,
          group: groupNames.get(`${line.sourceId}/${line.groupCode}`) ?? line.groupCode,
          money: line.denomination && { amount: line.denomination, currency: line.currency },
          href: `/treasury/vouchers/${line.sourceId}/${line.groupCode}`,
          states: line.states
            .filter(({ count }) => count > 0)
            .map((one) => ({ ...one, money: { amount: one.value, currency: line.currency } })),
        })),
        low: report.body.lines.filter(({ low }) => low).length,
        liability: report.body.liability.map((one) => ({
          ...one,
          title: nameOf(one.programmeId),
          outstanding: { amount: one.outstanding, currency: one.currency },
          promised: { amount: one.promised, currency: one.currency },
        })),
        groups: groups.body.items.map((one) => ({
          ...one,
          title: nameOf(one.programmeId),
          key: `${one.sourceId}/${one.groupCode}`,
          href: `/treasury/vouchers/${one.sourceId}/${one.groupCode}`,
        })),
        merchants: merchants?.body.items,
        first: page.after && '/treasury/vouchers',
        next:
          report.body.next &&
          `/treasury/vouchers?${new URLSearchParams({ after: report.body.next }).toString()}`,
        changes: administersVouchers(visit),
        changesMerchants: administersVouchers(visit) && visit.viewer.agency === parts.treasury,
        serial: failed?.entered.serial,
        errors: failed?.errors ?? [],
      },
      failed ? 422 : 200,
    );
  }

  site.page('/treasury/vouchers', access, (visit) => show(visit));

  // The serial number is told in the body, so that it stands in no log of addresses.
  site.action('/treasury/voucher', access, async (visit) => {
    const serial = input(visit, 'serial');
    const control = (Object.keys(controls) as Control[]).find((one) => one === input(visit, '_action'));
    if (!/^[0-9]{1,25}$/.test(serial))
      return show(visit, {
        errors: [{ text: visit.voice.t('treasury.vouchers.serialWrong'), href: '#serial' }],
        entered: { serial },
      });
    const params = { serialNumber: serial };
    const reason = input(visit, 'reason').slice(0, 200);
    const errors =
      control === undefined
        ? []
        : reason === ''
          ? [{ text: visit.voice.t('treasury.run.reasonNeeded'), href: '#reason' }]
          : ((await attempt(visit, '#reason', () =>
              vouchers[operations[control]]({ params, body: { reason } }),
            )) ?? []);
    const found = await orNone(vouchers.getVoucher({ params }));
    if (!found)
      return show(visit, {
        errors: [{ text: visit.voice.t('treasury.vouchers.none'), href: '#serial' }],
        entered: { serial },
      });
    const voucher = found.body;
    const { sourceId, groupCode } = voucher;
    const [group] = (await vouchers.listVoucherGroups({ query: { sourceId, groupCode } })).body.items;
    return visit.show(
      'treasury/voucher.njk',
      {
        ...frame(parts, visit, 'vouchers'),
        back: '/treasury/vouchers',
        voucher: { ...voucher, money: { amount: voucher.amount, currency: voucher.currency } },
        controls: administersVouchers(visit)
          ? (Object.keys(controls) as Control[]).filter(
              (one) =>
                (controls[one] as readonly string[]).includes(voucher.state) &&
                (one !== 'cancel' || voucher.state !== 'suspended' || group?.cancelSuspended === true),
            )
          : [],
        history: voucher.history.toReversed().map((one) => ({ ...one, ...whoDid(visit, names, one.actor) })),
        done: control !== undefined && errors.length === 0,
        reason: errors.length > 0 ? reason : '',
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  });

  async function showGroup(
    visit: SignedInVisit,
    errors: readonly PageError[] = [],
    entered: Readonly<Record<string, string>> = {},
  ) {
    const sourceId = codeIn(visit, 'source');
    const groupCode = codeIn(visit, 'group');
    const state = voucherStates.find((one) => one === visit.query.state);
    const before = cursorIn(visit, 'before');
    const [groups, list] = await Promise.all([
      vouchers.listVoucherGroups({ query: { sourceId, groupCode } }),
      vouchers.listVouchers({
        query: {
          sourceId,
          groupCode,
          ...(state === undefined ? {} : { state }),
          ...(before === undefined ? {} : { before }),
          limit: size,
        },
      }),
    ]);
    const [group] = groups.body.items;
    if (!group) throw new Problem(404, 'no such group');
    const base = `/treasury/vouchers/${sourceId}/${groupCode}`;
    const { items, next } = list.body;
    const kept = state === undefined ? '' : `state=${state}&`;
    return visit.show(
      'treasury/voucher-group.njk',
      {
        ...frame(parts, visit, 'vouchers'),
        back: '/treasury/vouchers',
        base,
        group,
        ...validityOf(group.validitySeconds),
        changes: administersVouchers(visit),
        states: voucherStates,
        state,
        denominations: group.denominations.map((one) => ({
          ...one,
          text: visit.voice.formats.money({ amount: one.amount, currency: group.currency }),
        })),
        vouchers: items.map((one) => ({ ...one, money: { amount: one.amount, currency: one.currency } })),
        newest: before === undefined ? undefined : `${base}${state === undefined ? '' : `?state=${state}`}`,
        next: next && `${base}?${kept}before=${next}`,
        entered,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/vouchers/:source/:group', access, (visit) => showGroup(visit));

  site.action('/treasury/vouchers/:source/:group/stock', access, async (visit) => {
    const params = { sourceId: codeIn(visit, 'source'), groupCode: codeIn(visit, 'group') };
    const entered = { count: input(visit, 'count'), denomination: input(visit, 'denomination') };
    const denomination = amountIn(entered.denomination);
    const count = /^\d{1,5}$/.test(entered.count) ? Number(entered.count) : 0;
    const faults: PageError[] = [
      ...(denomination === undefined ? [wrongAmount(visit, 'denomination')] : []),
      ...(count < 1 || count > 10_000
        ? [{ text: visit.voice.t('treasury.vouchers.countWrong'), href: '#count' }]
        : []),
    ];
    const errors =
      faults.length > 0
        ? faults
        : await attempt(visit, '#count', () =>
            vouchers.provisionVouchers({
              params,
              // The form's own key: sent twice, it makes vouchers once.
              body: { reference: `portal-${formKey(visit)}`, denomination: denomination as string, count },
            }),
          );
    if (errors) return showGroup(visit, errors, entered);
    visit.leaveNotice('vouchersMade');
    return visit.goTo(`/treasury/vouchers/${params.sourceId}/${params.groupCode}`);
  });
}
