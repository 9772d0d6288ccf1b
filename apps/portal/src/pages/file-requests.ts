import type { RequestRefusal } from '../backend.ts';
import type { PageError } from '../registries/refusals.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const longestText = 4000;

/** Appeals and complaints about an application, as its service offers them to the applicant. */
export function fileRequestPages({ site, backend }: PageParts): void {
  const addressOf = (visit: SignedInVisit): string =>
    `/applications/${encodeURIComponent(visit.params.application as string)}`;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = [], refusal?: RequestRefusal) {
    const application = await backend.application(visit.viewer, visit.params.application as string);
    const offer = application.offers.find((one) => one.kind === visit.params.kind);
    const status = errors.length > 0 ? 422 : refusal === undefined && offer ? 200 : 409;
    return visit.show(
      'account/request.njk',
      {
        section: 'applications',
        application,
        offer,
        refusal: offer ? refusal : (refusal ?? 'not-offered'),
        entered: input(visit, 'text'),
        longestText,
        errors,
        back: addressOf(visit),
      },
      status,
    );
  }

  site.page('/applications/:application/requests/:kind', 'signed-in', (visit) => show(visit));

  site.action('/applications/:application/requests/:kind', 'signed-in', async (visit) => {
    const { application, kind } = visit.params as { application: string; kind: string };
    const text = input(visit, 'text').replaceAll('\r\n', '\n');
    const { t } = visit.voice;
    if (text.length < 3) return show(visit, [{ text: t('account.request.textMissing'), href: '#text' }]);
    if (text.length > longestText)
      return show(visit, [{ text: t('account.request.textTooLong', { max: longestText }), href: '#text' }]);
    const key = formKey(visit) || `${application}/${kind}`;
    const refusal = await backend.makeRequest(visit.viewer, application, { kind, text }, key);
    if (refusal !== undefined) return show(visit, [], refusal);
    visit.leaveNotice('requestSent');
    return visit.goTo(addressOf(visit));
  });
}
