import { Problem } from '@govstack/platform';
import { idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt, orRefused, type PageError } from './refusals.ts';
import { choiceIn, enteredIn, given, missingOf, ticked, wrongChoice } from './setting-form.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { personBy } from './words.ts';

const inputs = [
  'name',
  'shortName',
  'agency',
  'application',
  'service',
  'aggregatorId',
  'group',
  'currency',
  'billIdLength',
  'billIdCheck',
  'prefix',
  'within',
  'inquiryTimeoutSeconds',
  'statusCodes',
  'disclaimer',
  'institution',
  'account',
] as const;
const checks = ['none', 'luhn', 'mod97'] as const;
const outcomes = ['unpaid', 'paid', 'expired', 'unknown'] as const;
type Outcome = (typeof outcomes)[number];
const billerPattern = /^B[0-9]{5,9}$/;
const makers = ['biller-manager', 'programme-manager', 'payment-approver', 'administrator'];

/** Status codes one per line, each with what it means; undefined when a line does not say that. */
function statusCodesIn(text: string): Record<string, Outcome> | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const pairs = lines.map((line) => {
    const [code = '', word = ''] = line.split(/\s*[=:\s]\s*/, 2);
    return [code, outcomes.find((one) => one === word)] as const;
  });
  return pairs.every(([code, outcome]) => code !== '' && code.length <= 20 && outcome !== undefined)
    ? (Object.fromEntries(pairs) as Record<string, Outcome>)
    : undefined;
}

/** Billers: proposed by one, let in by another, suspended (PAY-9.3.1, PAY-6.16.3-c). */
export function billerPages(parts: TreasuryParts): void {
  const { site, clients, names, treasury } = parts;
  const { billers } = clients;
  const proposes = ({ viewer }: SignedInVisit): boolean => makers.some((role) => viewer.roles.includes(role));
  const decides = ({ viewer }: SignedInVisit): boolean =>
    viewer.agency === treasury &&
    [parts.approverRole, 'administrator'].some((role) => viewer.roles.includes(role));
  const isTreasury = ({ viewer }: SignedInVisit): boolean =>
    viewer.agency === treasury && viewer.roles.includes('administrator');

  site.page('/treasury/billers', access, async (visit) => {
    const [list, proposals] = await Promise.all([
      orRefused(billers.listBillers({ query: { limit: 200 } })),
      orRefused(billers.listBillerProposals({ query: { limit: 50 } })),
    ]);
    return visit.show('treasury/billers.njk', {
      ...frame(parts, visit, 'billers'),
      billers: list?.body.items.map((one) => ({ ...one, agencyName: names.member(one.agency) })),
      proposals: proposals?.body.items.map((one) => ({ ...one, name: one.settings.name })),
      mayPropose: proposes(visit),
    });
  });

  const showForm = async (
    visit: SignedInVisit,
    billerId: string | undefined,
    entered: Readonly<Record<string, string>>,
    allowsPartPayment: boolean,
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'treasury/biller-form.njk',
      {
        ...frame(parts, visit, 'billers'),
        back: billerId === undefined ? '/treasury/billers' : `/treasury/billers/${billerId}`,
        billerId,
        checks,
        entered,
        allowsPartPayment,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );

  async function propose(visit: SignedInVisit, billerId: string | undefined) {
    const { t } = visit.voice;
    const entered = enteredIn(visit, inputs);
    const allowsPartPayment = ticked(visit, 'allowsPartPayment');
    const billIdCheck = choiceIn(checks, entered.billIdCheck);
    const statusCodes = statusCodesIn(entered.statusCodes);
    const billIdLength = /^\d{1,2}$/.test(entered.billIdLength) ? Number(entered.billIdLength) : 0;
    const timeout = /^\d{1,2}(\.\d+)?$/.test(entered.inquiryTimeoutSeconds)
      ? Number(entered.inquiryTimeoutSeconds)
      : 0;
    const errors: PageError[] = [
      ...missingOf(visit, entered, [
        'name',
        'shortName',
        'agency',
        'group',
        'currency',
        'institution',
        'account',
      ]),
      ...(billIdCheck === undefined ? [wrongChoice(visit, 'billIdCheck')] : []),
      ...(billIdLength < 4 || billIdLength > 20
        ? [{ text: t('treasury.billers.lengthWrong'), href: '#billIdLength' }]
        : []),
      ...(timeout <= 0 || timeout > 60
        ? [{ text: t('treasury.billers.timeoutWrong'), href: '#inquiryTimeoutSeconds' }]
        : []),
      ...(statusCodes === undefined
        ? [{ text: t('treasury.billers.codesWrong'), href: '#statusCodes' }]
        : []),
    ];
    let proposalId = '';
    const refused =
      errors.length > 0 || billIdCheck === undefined
        ? errors
        : await attempt(visit, '#name', async () => {
            const { body } = await billers.proposeBiller({
              body: {
                ...(billerId === undefined ? {} : { billerId }),
                name: entered.name,
                shortName: entered.shortName,
                agency: entered.agency,
                ...given('application', entered.application),
                ...given('service', entered.service),
                ...given('aggregatorId', entered.aggregatorId),
                group: entered.group,
                currency: entered.currency.toUpperCase(),
                billIdLength,
                billIdCheck,
                allowsPartPayment,
                statusCodes: statusCodes ?? {},
                inquiryTimeoutSeconds: timeout,
                ...given('prefix', entered.prefix),
                ...given('within', entered.within),
                ...given('disclaimer', entered.disclaimer),
                institution: entered.institution,
                account: entered.account,
              },
            });
            proposalId = body.proposalId;
          });
    if (refused) return showForm(visit, billerId, entered, allowsPartPayment, refused);
    visit.leaveNotice('billerProposed');
    return visit.goTo(`/treasury/biller-proposals/${proposalId}`);
  }

  const billerIn = async (visit: SignedInVisit) => {
    const billerId = visit.params.biller ?? '';
    if (!billerPattern.test(billerId)) throw new Problem(404, 'no such biller');
    return (await billers.getBiller({ params: { billerId } })).body;
  };

  site.page('/treasury/billers/new', access, (visit) =>
    showForm(
      visit,
      undefined,
      { billIdLength: '12', billIdCheck: 'none', inquiryTimeoutSeconds: '10' },
      false,
    ),
  );
  site.action('/treasury/billers/new', access, (visit) => propose(visit, undefined));

  const showBiller = async (visit: SignedInVisit, errors: readonly PageError[] = []) => {
    const biller = await billerIn(visit);
    return visit.show(
      'treasury/biller.njk',
      {
        ...frame(parts, visit, 'billers'),
        back: '/treasury/billers',
        biller: { ...biller, agencyName: names.member(biller.agency) },
        mayChange: proposes(visit) && [treasury, biller.agency].includes(visit.viewer.agency ?? ''),
        maySuspend: isTreasury(visit),
        reason: input(visit, 'reason'),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  };

  site.page('/treasury/billers/:biller', access, (visit) => showBiller(visit));
  site.action('/treasury/billers/:biller', access, async (visit) => {
    const { billerId, suspended } = await billerIn(visit);
    const reason = input(visit, 'reason').slice(0, 300);
    const params = { billerId };
    const errors =
      reason === ''
        ? [{ text: visit.voice.t('treasury.run.reasonNeeded'), href: '#reason' }]
        : await attempt(visit, '#reason', () =>
            suspended
              ? billers.resumeBiller({ params, body: { reason } })
              : billers.suspendBiller({ params, body: { reason } }),
          );
    if (errors) return showBiller(visit, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo(`/treasury/billers/${billerId}`);
  });

  site.page('/treasury/billers/:biller/settings', access, async (visit) => {
    const one = await billerIn(visit);
    return showForm(
      visit,
      one.billerId,
      {
        ...Object.fromEntries(
          inputs.map((name) => [
            name,
            name in one ? String((one as Readonly<Record<string, unknown>>)[name] ?? '') : '',
          ]),
        ),
        statusCodes: Object.entries(one.statusCodes)
          .map(([code, outcome]) => `${code} ${outcome}`)
          .join('\n'),
        // Only its last characters are told.
        account: '',
      },
      one.allowsPartPayment,
    );
  });
  site.action('/treasury/billers/:biller/settings', access, async (visit) =>
    propose(visit, (await billerIn(visit)).billerId),
  );

  async function showProposal(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const proposalId = idIn(visit, 'proposal');
    const one = (await billers.getBillerProposal({ params: { proposalId } })).body;
    const by = personBy(visit, names, one.proposedBy);
    return visit.show(
      'treasury/biller-proposal.njk',
      {
        ...frame(parts, visit, 'billers'),
        back: '/treasury/billers',
        proposal: one,
        agencyName: names.member(one.settings.agency),
        by,
        decider: one.decidedBy === undefined ? undefined : personBy(visit, names, one.decidedBy),
        decides: one.state === 'proposed' && !by.mine && decides(visit),
        mine: one.state === 'proposed' && by.mine,
        reason: input(visit, 'reason'),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/biller-proposals/:proposal', access, (visit) => showProposal(visit));
  site.action('/treasury/biller-proposals/:proposal', access, async (visit) => {
    const proposalId = idIn(visit, 'proposal');
    const params = { proposalId };
    const reason = input(visit, 'reason').slice(0, 300);
    const errors =
      input(visit, '_action') === 'approve'
        ? await attempt(visit, '#acts', () => billers.approveBillerProposal({ params }))
        : reason === ''
          ? [{ text: visit.voice.t('treasury.run.reasonNeeded'), href: '#reason' }]
          : await attempt(visit, '#reason', () => billers.rejectBillerProposal({ params, body: { reason } }));
    if (errors) return showProposal(visit, errors);
    visit.leaveNotice('billerDecided');
    return visit.goTo(`/treasury/biller-proposals/${proposalId}`);
  });
}
