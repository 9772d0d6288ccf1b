import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import { attempt, type PageError } from './refusals.ts';
import {
  amountIn,
  codeFault,
  enteredIn,
  given,
  listIn,
  missingOf,
  objectIn,
  objectsIn,
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
type Limit = { readonly limit: string; readonly limitCurrency: string };
/** What of a source has forms of its own. */
interface Extras {
  readonly mustSign: boolean;
  readonly keys: string;
  readonly service: string;
  readonly validSeconds: string;
  readonly voucherKey: string;
}
type Source = Awaited<ReturnType<TreasuryParts['clients']['admin']['listSources']>>['body']['items'][number];

/** Systems that may hand payments over: registered, changed, how much they may have paid without a person, with which keys they sign (PAY-6.14-b), where their payees are looked up (PAY-6.3-c). */
export function sourcePages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  const find = async (sourceId: string) =>
    (await admin.listSources({})).body.items.find((one) => one.sourceId === sourceId);
  const sourceIn = async (visit: SignedInVisit) => {
    const found = await find(codeIn(visit, 'source'));
    if (!found) throw new Problem(404, 'no such source');
    return found;
  };

  const asEntered = (one: Source): Partial<Entered> => ({
    name: one.name,
    application: one.application,
    institutionId: one.institutionId,
    callbackService: one.callbackService ?? '',
    callbackPath: one.callbackPath ?? '',
    callbackUrls: one.callbackUrls.join('\n'),
  });
  const limitOf = (one: Source) => ({
    limit: one.autoApproveLimit ?? '',
    limitCurrency: one.autoApproveCurrency ?? '',
  });

  /** How a source signs, and where its payees are looked up. */
  async function extrasOf({ sourceId }: Source): Promise<Extras> {
    const params = { sourceId };
    const [signing, directory] = await Promise.all([
      admin.getRequestSigning({ params }),
      admin.getDirectory({ params }),
    ]);
    return {
      mustSign: signing.body.required,
      keys: signing.body.keys.length === 0 ? '' : JSON.stringify(signing.body.keys, undefined, 2),
      service: directory.body.service ?? '',
      validSeconds: String(directory.body.validSeconds ?? 3600),
      voucherKey: '',
    };
  }

  /** A form of a source; what of it was not sent is shown as it is. */
  const show = async (
    visit: SignedInVisit,
    source: Source | undefined,
    errors: readonly PageError[] = [],
    sent: { readonly entered?: Partial<Entered & Limit> & Partial<Extras>; readonly active?: boolean } = {},
  ) =>
    visit.show(
      'treasury/source.njk',
      {
        ...settingFrame(parts, visit),
        sourceId: source?.sourceId,
        entered: {
          ...(source ? { ...asEntered(source), ...limitOf(source), ...(await extrasOf(source)) } : {}),
          ...sent.entered,
        },
        active: sent.active ?? source?.active ?? true,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );

  site.page('/treasury/settings/sources/new', access, (visit) => show(visit, undefined));
  site.page('/treasury/settings/sources/:source', access, async (visit) =>
    show(visit, await sourceIn(visit)),
  );

  async function save(visit: SignedInVisit, before: Source | undefined) {
    const entered = enteredIn(visit, names);
    const sourceId = before?.sourceId ?? entered.sourceId;
    const active = before === undefined || ticked(visit, 'active');
    const errors = [
      ...codeFault(visit, 'sourceId', sourceId, before === undefined && (await find(sourceId)) !== undefined),
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
                callbackUrls: listIn(entered.callbackUrls, before?.callbackUrls),
                active,
              },
            }),
          );
    if (refused) return show(visit, before, refused, { entered, active });
    visit.leaveNotice('settingSaved');
    return visit.goTo('/treasury/settings#sources');
  }

  site.action('/treasury/settings/sources/new', access, (visit) => save(visit, undefined));
  site.action('/treasury/settings/sources/:source', access, async (visit) =>
    save(visit, await sourceIn(visit)),
  );

  /** Saves a part of a source that has a form of its own. */
  async function savePart(
    visit: SignedInVisit,
    source: Source,
    entered: Partial<Extras & Limit>,
    faults: readonly PageError[],
    href: string,
    put: () => Promise<unknown>,
  ) {
    const errors = faults.length > 0 ? faults : await attempt(visit, href, put);
    if (errors) return show(visit, source, errors, { entered });
    visit.leaveNotice('settingSaved');
    return visit.goTo(`/treasury/settings/sources/${source.sourceId}`);
  }

  site.action('/treasury/settings/sources/:source/limit', access, async (visit) => {
    const source = await sourceIn(visit);
    const entered = enteredIn(visit, ['limit', 'limitCurrency']);
    const limit = entered.limit === '' ? null : amountIn(entered.limit);
    const currency = entered.limitCurrency.toUpperCase();
    const faults =
      limit === undefined
        ? [wrongAmount(visit, 'limit')]
        : limit !== null && !/^[A-Z]{3}$/.test(currency)
          ? [{ text: visit.voice.t('treasury.settings.currencyWrong'), href: '#limitCurrency' }]
          : [];
    return savePart(visit, source, entered, faults, '#limit', () =>
      admin.setAutoApproveLimit({
        params: { sourceId: source.sourceId },
        body: {
          limit: limit ?? null,
          currency: currency === '' ? (source.autoApproveCurrency ?? 'XXX') : currency,
        },
      }),
    );
  });

  site.action('/treasury/settings/sources/:source/signing', access, async (visit) => {
    const source = await sourceIn(visit);
    const { keys: text } = enteredIn(visit, ['keys']);
    const required = ticked(visit, 'mustSign');
    const keys = text === '' ? [] : objectsIn(text);
    const faults = keys ? [] : [{ text: visit.voice.t('treasury.settings.keysWrong'), href: '#keys' }];
    return savePart(visit, source, { keys: text, mustSign: required }, faults, '#keys', () =>
      admin.putRequestSigning({
        params: { sourceId: source.sourceId },
        body: { required, keys: keys ?? [] },
      }),
    );
  });

  site.action('/treasury/settings/sources/:source/directory', access, async (visit) => {
    const source = await sourceIn(visit);
    const entered = enteredIn(visit, ['service', 'validSeconds']);
    const seconds = /^\d{1,8}$/.test(entered.validSeconds) ? Number(entered.validSeconds) : undefined;
    const faults =
      seconds === undefined && entered.service !== ''
        ? [{ text: visit.voice.t('treasury.settings.secondsWrong'), href: '#validSeconds' }]
        : [];
    return savePart(visit, source, entered, faults, '#service', () =>
      admin.putDirectory({
        params: { sourceId: source.sourceId },
        body:
          entered.service === ''
            ? { service: null }
            : { service: entered.service, validSeconds: seconds as number },
      }),
    );
  });

  site.action('/treasury/settings/sources/:source/voucher-key', access, async (visit) => {
    const source = await sourceIn(visit);
    const { voucherKey } = enteredIn(visit, ['voucherKey']);
    const publicKey = objectIn(voucherKey);
    const faults = publicKey
      ? []
      : [{ text: visit.voice.t('treasury.settings.publicKeyWrong'), href: '#voucherKey' }];
    return savePart(visit, source, { voucherKey }, faults, '#voucherKey', () =>
      clients.vouchers.putRecipientKey({
        params: { sourceId: source.sourceId },
        body: { publicKey: publicKey ?? {} },
      }),
    );
  });
}
