import { type PageError, refusedWith } from '../../registries/refusals.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import type { ProcessParts } from '../shell.ts';
import { access, baseOf, check, draftFrame, findingsFor, openDraft, seenRevision } from './open-draft.ts';
import { columnLabel, fieldLabel } from './texts.ts';

const short = (text: string | undefined): string | undefined =>
  text !== undefined && text.length > 400 ? `${text.slice(0, 400)}…` : text;

/** What a deployment would change against what runs now, and the deployment. */
export function deployPages(parts: ProcessParts): void {
  const { site, clients } = parts;

  /** `Output[income].source` in words: the part of an element that differs. */
  const partLabel = (visit: SignedInVisit, part: string): string => {
    const [, type, which, column] = /^(\w+)\[(.*)\]\.(\w+)$/.exec(part) ?? [];
    if (type !== undefined && column !== undefined) {
      return `${fieldLabel(visit.voice, `rows:${type}`)} ${which}: ${columnLabel(visit.voice, column)}`;
    }
    return fieldLabel(visit.voice, part.replace(/\.(body|text)$/, '').replace(/\[.*\]/, ''));
  };

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const draft = await openDraft(parts, visit);
    const [checked, compared] = await Promise.all([
      check(parts, draft),
      clients.admin.compareDraft({ params: { draftId: draft.id }, query: {} }),
    ]);
    const { processRef, differences, decisions, bindings } = compared.body;
    const findings = findingsFor(visit, checked);
    return visit.show(
      'processes/design/deploy.njk',
      {
        ...draftFrame(visit, draft, 'deploy'),
        deployable: checked.deployable,
        findings,
        processRef,
        decisions,
        bindings,
        differences: differences.map((one) => ({
          ...one,
          label: one.name ?? one.elementId,
          parts: one.parts.map((part) => ({
            label: partLabel(visit, part.part),
            before: short(part.before),
            after: short(part.after),
          })),
        })),
        version: input(visit, 'version'),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/processes/design/:draft/deploy', access, (visit) => show(visit));

  site.action('/processes/design/:draft/deploy', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const version = input(visit, 'version').slice(0, 50);
    try {
      await clients.admin.deployDraft({
        params: { draftId: draft.id },
        body: { revision: seenRevision(visit), ...(version === '' ? {} : { version }) },
      });
    } catch (error) {
      if (refusedWith(error, 409))
        return show(visit, [{ text: visit.voice.t('modeller.conflict'), href: '#content' }]);
      if (!refusedWith(error, 400, 422)) throw error;
      return show(visit, [{ text: error.problem?.detail ?? error.message, href: '#findings' }]);
    }
    visit.leaveNotice('processDeployed');
    return visit.goTo(`${baseOf(draft)}/deploy`);
  });
}
