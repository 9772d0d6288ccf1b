import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import { choiceIn, codeFault, enteredIn, given, missingOf, ticked, wrongChoice } from './setting-form.ts';
import { access, codeIn, isCode, settingFrame, type TreasuryParts } from './shell.ts';

const institutionInputs = ['code', 'name', 'member'] as const;
const checkInputs = ['checkId', 'name', 'kind', 'service', 'programme', 'onHit', 'timeoutSeconds'] as const;
export const checkKinds = ['kyc', 'aml', 'sanctions', 'deceased', 'account-status', 'other'] as const;
const onHits = ['review', 'reject'] as const;

type Oversight = TreasuryParts['clients']['oversight'];
type Institution = Awaited<ReturnType<Oversight['listInstitutions']>>['body']['items'][number];
type Check = Awaited<ReturnType<Oversight['listScreeningChecks']>>['body']['items'][number];

/** Institutions that process payments of their customers (PAY-6.6-g), and outside services that are asked about payees (PAY-5.1.4). */
export function partnerPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin, oversight } = clients;

  const showInstitution = (
    visit: SignedInVisit,
    known: string | undefined,
    entered: Readonly<Record<string, string>>,
    active: boolean,
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'treasury/institution.njk',
      { ...settingFrame(parts, visit), code: known, entered, active, errors },
      errors.length > 0 ? 422 : 200,
    );

  const findInstitution = async (code: string) =>
    (await oversight.listInstitutions({})).body.items.find((one) => one.code === code);
  const institutionIn = async (visit: SignedInVisit): Promise<Institution> => {
    const found = await findInstitution(codeIn(visit, 'institution'));
    if (!found) throw new Problem(404, 'no such institution');
    return found;
  };

  async function saveInstitution(visit: SignedInVisit, before: Institution | undefined) {
    const entered = enteredIn(visit, institutionInputs);
    const code = before?.code ?? entered.code;
    const active = before === undefined || ticked(visit, 'active');
    const taken = before === undefined && (await findInstitution(code)) !== undefined;
    const faults = [
      ...codeFault(visit, 'code', code, taken),
      ...missingOf(visit, entered, ['name', 'member']),
    ];
    const errors =
      faults.length > 0
        ? faults
        : await attempt(visit, '#member', () =>
            oversight.putInstitution({
              params: { code },
              body: { name: entered.name, member: entered.member, active },
            }),
          );
    if (errors) return showInstitution(visit, before?.code, entered, active, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#institutions');
  }

  const institution = '/treasury/settings/institutions/:institution';
  const newInstitution = '/treasury/settings/institutions/new';
  site.page(newInstitution, access, async (visit) => showInstitution(visit, undefined, {}, true));
  site.action(newInstitution, access, (visit) => saveInstitution(visit, undefined));
  site.page(institution, access, async (visit) => {
    const { code, name, member, active } = await institutionIn(visit);
    return showInstitution(visit, code, { name, member }, active);
  });
  site.action(institution, access, async (visit) => saveInstitution(visit, await institutionIn(visit)));

  async function showCheck(
    visit: SignedInVisit,
    known: string | undefined,
    entered: Readonly<Record<string, string>>,
    ticks: { readonly sendsAccount: boolean; readonly active: boolean },
    errors: readonly PageError[] = [],
  ) {
    const { items: sources } = (await admin.listSources({})).body;
    const programmes = await Promise.all(
      sources.map(async ({ sourceId, name }) => [
        { value: sourceId, text: name },
        ...(await admin.listProgrammes({ params: { sourceId } })).body.items.map((one) => ({
          value: `${sourceId}/${one.programmeId}`,
          text: `${name}: ${one.name}`,
        })),
      ]),
    );
    return visit.show(
      'treasury/check.njk',
      {
        ...settingFrame(parts, visit),
        checkId: known,
        kinds: checkKinds,
        onHits,
        programmes: programmes.flat(),
        entered,
        ...ticks,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const findCheck = async (checkId: string) =>
    (await oversight.listScreeningChecks({})).body.items.find((one) => one.checkId === checkId);
  const checkIn = async (visit: SignedInVisit): Promise<Check> => {
    const found = await findCheck(codeIn(visit, 'check'));
    if (!found) throw new Problem(404, 'no such check');
    return found;
  };

  async function saveCheck(visit: SignedInVisit, before: Check | undefined) {
    const entered = enteredIn(visit, checkInputs);
    const checkId = before?.checkId ?? entered.checkId;
    const ticks = {
      sendsAccount: ticked(visit, 'sendsAccount'),
      active: before === undefined || ticked(visit, 'active'),
    };
    const taken = before === undefined && (await findCheck(checkId)) !== undefined;
    const kind = choiceIn(checkKinds, entered.kind);
    const onHit = choiceIn(onHits, entered.onHit);
    const [sourceId = '', programmeId = ''] = entered.programme.split('/');
    const timeoutSeconds = /^\d{1,3}$/.test(entered.timeoutSeconds) ? Number(entered.timeoutSeconds) : 0;
    const faults = [
      ...codeFault(visit, 'checkId', checkId, taken),
      ...missingOf(visit, entered, ['name', 'service']),
      ...(kind === undefined ? [wrongChoice(visit, 'kind')] : []),
      ...(onHit === undefined ? [wrongChoice(visit, 'onHit')] : []),
      ...(timeoutSeconds < 1 || timeoutSeconds > 300
        ? [{ text: visit.voice.t('treasury.settings.timeoutWrong'), href: '#timeoutSeconds' }]
        : []),
    ];
    const errors =
      faults.length > 0 || kind === undefined || onHit === undefined
        ? faults
        : await attempt(visit, '#service', () =>
            oversight.putScreeningCheck({
              params: { checkId },
              body: {
                name: entered.name,
                kind,
                service: entered.service,
                ...given('sourceId', isCode(sourceId) ? sourceId : ''),
                ...given('programmeId', isCode(programmeId) ? programmeId : ''),
                onHit,
                timeoutSeconds,
                ...ticks,
              },
            }),
          );
    if (errors) return showCheck(visit, before?.checkId, entered, ticks, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#checks');
  }

  const check = '/treasury/settings/checks/:check';
  const newCheck = '/treasury/settings/checks/new';
  site.page(newCheck, access, (visit) =>
    showCheck(
      visit,
      undefined,
      { kind: 'aml', onHit: 'review', timeoutSeconds: '20' },
      { sendsAccount: false, active: true },
    ),
  );
  site.action(newCheck, access, (visit) => saveCheck(visit, undefined));
  site.page(check, access, async (visit) => {
    const one = await checkIn(visit);
    return showCheck(
      visit,
      one.checkId,
      {
        name: one.name,
        kind: one.kind,
        service: one.service,
        programme: [one.sourceId, one.programmeId].filter((part) => part !== undefined).join('/'),
        onHit: one.onHit,
        timeoutSeconds: String(one.timeoutSeconds),
      },
      { sendsAccount: one.sendsAccount, active: one.active },
    );
  });
  site.action(check, access, async (visit) => saveCheck(visit, await checkIn(visit)));
}
