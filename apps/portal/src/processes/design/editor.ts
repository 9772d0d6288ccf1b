import { refusedWith } from '../../registries/refusals.ts';
import { attachment } from '../../registries/transfer-form.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import { sendDocument } from '../drawing.ts';
import type { ProcessParts } from '../shell.ts';
import { access, check, draftFrame, findingsFor, languageOf, openDraft, seenRevision } from './open-draft.ts';
import { editorTexts } from './texts.ts';

const json = (visit: SignedInVisit, status: number, body: unknown) =>
  visit.reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .send(JSON.stringify(body));

/** A file name that every system takes. */
const fileName = (name: string, extension: string): string =>
  `${
    name
      .normalize('NFKD')
      .replaceAll(/[^A-Za-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'process'
  }.${extension}`;

/** The drawing: the graphical editor, what it asks while somebody draws, and the files (WF-6.1-a). */
export function editorPages(parts: ProcessParts): void {
  const { site, clients } = parts;

  site.page('/processes/design/:draft', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const [language, checked] = await Promise.all([languageOf(parts), check(parts, draft)]);
    return visit.show('processes/design/editor.njk', {
      ...draftFrame(visit, draft, 'drawing'),
      findings: findingsFor(visit, checked),
      deployable: checked.deployable,
      editor: JSON.stringify({
        language,
        decisions: checked.decisions,
        bindings: Object.keys(draft.bindings),
        texts: editorTexts(visit.voice, language),
      }).replaceAll('<', '\\u003c'),
    });
  });

  site.page('/processes/design/:draft/drawing', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const { body } = await clients.admin.drawModel({ body: { bpmn: draft.bpmn } });
    return sendDocument(visit, body.bpmn, 'no-store');
  });

  site.page('/processes/design/:draft/export', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    if (visit.query.format === 'json') {
      const { body } = await clients.admin.exportDraft({ params: { draftId: draft.id } });
      return attachment(visit, fileName(draft.name, 'json'), 'application/json').send(
        JSON.stringify(body, null, 2),
      );
    }
    return attachment(visit, fileName(draft.name, 'bpmn'), 'application/xml; charset=utf-8').send(draft.bpmn);
  });

  site.action('/processes/design/:draft/check', access, async (visit) => {
    const draft = { ...(await openDraft(parts, visit)), bpmn: input(visit, 'bpmn') };
    try {
      const checked = await check(parts, draft);
      return json(visit, 200, {
        deployable: checked.deployable,
        findings: findingsFor(visit, checked),
        decisions: checked.decisions,
      });
    } catch (error) {
      if (refusedWith(error, 400, 413, 422)) return json(visit, 422, { message: error.problem?.detail });
      throw error;
    }
  });

  site.action('/processes/design/:draft/save', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const { name, dmn, bindings } = draft;
    try {
      const { body } = await clients.admin.changeDraft({
        params: { draftId: draft.id },
        body: { name, dmn, bindings, bpmn: input(visit, 'bpmn'), revision: seenRevision(visit) },
      });
      return json(visit, 200, { revision: body.revision });
    } catch (error) {
      if (refusedWith(error, 409)) return json(visit, 409, { message: visit.voice.t('modeller.conflict') });
      if (refusedWith(error, 400, 413, 422)) return json(visit, 422, { message: error.problem?.detail });
      throw error;
    }
  });
}
