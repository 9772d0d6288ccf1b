import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { programmeNames } from './programmes.ts';
import { attempt, type PageError } from './refusals.ts';
import { amountIn, codeFault, enteredIn, given, missingOf, ticked, wrongAmount } from './setting-form.ts';
import { access, codeIn, settingFrame, type TreasuryParts } from './shell.ts';

const names = [
  'programmeId',
  'name',
  'agency',
  'currency',
  'fundingAccount',
  'payerRail',
  'maximumInstructionAmount',
  'maximumRunAmount',
  'staggerPayees',
  'staggerSeconds',
] as const;
const limits = ['maximumInstructionAmount', 'maximumRunAmount'] as const;
type Entered = Record<(typeof names)[number], string>;

/** How a run is spread over time: so many transfers, then so many seconds; both or neither. */
function staggerIn({ staggerPayees, staggerSeconds }: Entered) {
  if (staggerPayees === '' && staggerSeconds === '') return undefined;
  const whole = /^[1-9]\d{0,6}$/;
  if (!whole.test(staggerPayees) || !whole.test(staggerSeconds)) return 'wrong';
  return { payees: Number(staggerPayees), seconds: Number(staggerSeconds) };
}

/** Programmes with their budgets: set up, changed, and given the money that the treasury releases (PAY-5.1.16-a). */
export function programmePages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  async function show(
    visit: SignedInVisit,
    sourceId: string,
    known: string | undefined,
    entered?: Partial<Entered> & { readonly combinePayments?: boolean },
    errors: readonly PageError[] = [],
    release: { readonly amount: string; readonly reference: string } | undefined = undefined,
  ) {
    const [programme, rails, nameOf] = await Promise.all([
      known === undefined
        ? undefined
        : admin.getProgramme({ params: { sourceId, programmeId: known } }).then(({ body }) => body),
      admin.listRails({}),
      programmeNames(parts),
    ]);
    return visit.show(
      'treasury/programme.njk',
      {
        ...settingFrame(parts, visit),
        sourceId,
        programme: programme && {
          ...programme,
          title: nameOf(programme.programmeId, programme.name),
          money: { amount: programme.available, currency: programme.currency },
        },
        base: known === undefined ? undefined : `/treasury/settings/programmes/${sourceId}/${known}`,
        rails: rails.body.items.map(({ railId, name }) => ({ value: railId, text: name })),
        entered: entered ?? {
          ...programme,
          staggerPayees: String(programme?.stagger?.payees ?? ''),
          staggerSeconds: String(programme?.stagger?.seconds ?? ''),
        },
        release,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  async function save(visit: SignedInVisit, sourceId: string, known: string | undefined) {
    const entered = enteredIn(visit, names);
    const programmeId = known ?? entered.programmeId;
    const taken =
      known === undefined &&
      (await admin.listProgrammes({ params: { sourceId } })).body.items.some(
        (one) => one.programmeId === programmeId,
      );
    const combinePayments = ticked(visit, 'combinePayments');
    const stagger = staggerIn(entered);
    const amounts = Object.fromEntries(limits.map((name) => [name, amountIn(entered[name])]));
    const errors = [
      ...codeFault(visit, 'programmeId', programmeId, taken),
      ...missingOf(visit, entered, ['name', 'currency', 'fundingAccount']),
      ...limits
        .filter((name) => entered[name] !== '' && amounts[name] === undefined)
        .map((name) => wrongAmount(visit, name)),
      ...(stagger === 'wrong'
        ? [{ text: visit.voice.t('treasury.settings.staggerWrong'), href: '#staggerPayees' }]
        : []),
    ];
    const refused =
      errors.length > 0 || stagger === 'wrong'
        ? errors
        : await attempt(visit, '#name', () =>
            admin.putProgramme({
              params: { sourceId, programmeId },
              body: {
                name: entered.name,
                currency: entered.currency.toUpperCase(),
                fundingAccount: entered.fundingAccount,
                ...given('agency', entered.agency),
                ...given('payerRail', entered.payerRail),
                ...given('maximumInstructionAmount', amounts.maximumInstructionAmount ?? ''),
                ...given('maximumRunAmount', amounts.maximumRunAmount ?? ''),
                combinePayments,
                ...(stagger === undefined ? {} : { stagger }),
              },
            }),
          );
    if (refused) return show(visit, sourceId, known, { ...entered, combinePayments }, refused);
    visit.leaveNotice('settingSaved');
    return visit.goTo(`/treasury/settings/programmes/${sourceId}/${programmeId}`);
  }

  const added = '/treasury/settings/sources/:source/programmes/new';
  site.page(added, access, (visit) => show(visit, codeIn(visit, 'source'), undefined, {}));
  site.action(added, access, (visit) => save(visit, codeIn(visit, 'source'), undefined));

  const one = '/treasury/settings/programmes/:source/:programme';
  site.page(one, access, (visit) => show(visit, codeIn(visit, 'source'), codeIn(visit, 'programme')));
  site.action(one, access, (visit) => save(visit, codeIn(visit, 'source'), codeIn(visit, 'programme')));

  site.action(`${one}/releases`, access, async (visit) => {
    const params = { sourceId: codeIn(visit, 'source'), programmeId: codeIn(visit, 'programme') };
    const entered = input(visit, 'amount');
    const amount = amountIn(entered);
    const reference = input(visit, 'reference').slice(0, 50) || `portal-${formKey(visit)}`;
    const errors =
      amount === undefined
        ? [wrongAmount(visit, 'amount')]
        : await attempt(visit, '#amount', async () => {
            const { currency } = (await admin.getProgramme({ params })).body;
            await admin.releaseBudget({ params, body: { reference, amount, currency } });
          });
    if (errors)
      return show(visit, params.sourceId, params.programmeId, undefined, errors, {
        amount: entered,
        reference: input(visit, 'reference'),
      });
    visit.leaveNotice('budgetReleased');
    return visit.goTo(`/treasury/settings/programmes/${params.sourceId}/${params.programmeId}`);
  });
}
