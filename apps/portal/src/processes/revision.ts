import type { Mark } from '../diagrams/process-diagram.ts';
import type { PageError } from '../registries/refusals.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import type { Revision } from './clients.ts';
import { drawingOf, heatOf, sendDocument } from './drawing.ts';
import { attempt } from './refusals.ts';
import { access, frame, operates, operatorAccess, type ProcessParts, revisionPath } from './shell.ts';
import { durationIn, kindOf, nameOf } from './words.ts';

/** What can be coloured on the drawing. */
const measures = ['standing', 'p50', 'p95', 'passes', 'incidents'] as const;
const spans = [1, 7, 30, 365] as const;
const dayMs = 86_400_000;

/** The revisions of a process, the newest first; of very many those that are listed first. */
export async function revisionsOf(
  { clients: { admin } }: ProcessParts,
  processKey: string,
): Promise<Revision[]> {
  const { body } = await admin.listAllProcesses({ query: { processKey, limit: 500 } });
  return [...body.processes].sort((one, other) => other.revision - one.revision);
}

/** A revision of a process: how it does, where its instances stand and how long they take, and what can be done. */
export function revisionPages(parts: ProcessParts): void {
  const { site, clients, names, now } = parts;
  const { admin, api } = clients;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { voice } = visit;
    const process = (await api.getProcess({ params: { processId: visit.params.ref as string } })).body;
    const params = { processId: process.id };
    const measure = measures.find((one) => one === visit.query.show) ?? 'standing';
    const days = spans.find((one) => String(one) === visit.query.days) ?? 30;
    const to = new Date(now().getTime() + 1000).toISOString();
    const from = new Date(now().getTime() - days * dayMs).toISOString();
    const [outline, times, revisions, more] = await Promise.all([
      admin.getProcessOutline({ params }),
      admin.getElementStatistics({ params, query: { from, to } }),
      revisionsOf(parts, process.key),
      operates(visit)
        ? Promise.all([
            api.getStartForm({ params }),
            admin.getRetention({ params }),
            admin.getProcessLog({ params }),
          ])
        : undefined,
    ]);
    const figures = new Map(times.body.elements.map((one) => [one.elementId, one]));
    const standing = new Map(outline.body.elements.map((one) => [one.id, one]));
    const told = (seconds: number): string => durationIn(voice, seconds);
    const measured = (id: string): number => {
      const one = figures.get(id);
      if (measure === 'standing') return standing.get(id)?.active ?? 0;
      if (measure === 'passes') return one?.left ?? 0;
      if (measure === 'incidents') return standing.get(id)?.incidents ?? 0;
      return one?.[measure] ?? 0;
    };
    const values = new Map(outline.body.elements.map(({ id }) => [id, measured(id)]));
    const isTime = measure === 'p50' || measure === 'p95';
    const marks = heatOf(values, isTime ? told : voice.formats.number);
    if (measure === 'incidents') for (const [id, mark] of marks) marks.set(id, stuck(mark));
    const [form, retention, log] = more ?? [];
    return visit.show(
      'processes/revision.njk',
      {
        ...frame(visit, 'overview'),
        back: '/processes',
        errors,
        process,
        base: revisionPath(process.id),
        revisions: revisions.map((one) => ({ ...one, href: revisionPath(one.id) })),
        newest: revisions[0]?.id === process.id,
        drawing: drawingOf(voice, process.id, outline.body.elements, outline.body.flows, marks),
        measure,
        measures,
        days,
        spans,
        complete: times.body.complete,
        elements: outline.body.elements.map((one) => {
          const { entered = 0, left = 0, p50, p95 } = figures.get(one.id) ?? {};
          return {
            id: one.id,
            name: nameOf(voice, one),
            kind: kindOf(voice, one.kind),
            active: one.active,
            incidents: one.incidents,
            entered,
            left,
            p50: p50 === undefined ? undefined : told(p50),
            p95: p95 === undefined ? undefined : told(p95),
          };
        }),
        startable: form?.body.startable,
        retention: retention?.body.days,
        log: log?.body.entries
          .slice(-20)
          .reverse()
          .map((one) => ({ ...one, agency: names.member(one.organisation) })),
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const stuck = (mark: Mark): Mark => ({ ...mark, look: 'portal-mark--incident' });

  site.page('/processes/revisions/:ref', access, (visit) => show(visit));

  site.page('/processes/revisions/:ref/drawing', access, async (visit) => {
    const { body } = await admin.getProcessDrawing({ params: { processId: visit.params.ref as string } });
    if (body.bpmn === null) return visit.reply.code(404).send();
    // What a person may see can change, the drawing of a revision never does.
    return sendDocument(visit, body.bpmn, 'private, max-age=600');
  });

  site.action('/processes/revisions/:ref', operatorAccess, async (visit) => {
    const { body: process } = await api.getProcess({ params: { processId: visit.params.ref as string } });
    const params = { processId: process.id };
    const reason = input(visit, 'reason').slice(0, 1000);
    const choice = input(visit, 'choice');
    const needsReason = ['suspend', 'resume', 'retention'].includes(choice);
    if (needsReason && reason === '')
      return show(visit, [{ text: visit.voice.t('processes.reasonMissing'), href: `#${choice}-reason` }]);
    const days = input(visit, 'days');
    if (choice === 'retention' && days !== '' && !/^[1-9]\d{0,4}$/.test(days))
      return show(visit, [{ text: visit.voice.t('processes.revision.daysWrong'), href: '#days' }]);
    let notice = 'settingSaved';
    const acts: Readonly<Record<string, () => Promise<unknown>>> = {
      enable: () => admin.enableProcess({ params }),
      disable: () => admin.disableProcess({ params }),
      suspend: async () => {
        const { body } = await admin.suspendProcess({ params, body: { reason } });
        if (body.more) notice = 'processesPartly';
      },
      resume: async () => {
        const { body } = await admin.resumeProcess({ params, body: { reason } });
        if (body.more) notice = 'processesPartly';
      },
      retention: () =>
        admin.setRetention({ params, body: { days: days === '' ? null : Number(days), reason } }),
    };
    const act = Object.hasOwn(acts, choice) ? acts[choice] : undefined;
    const errors = act && (await attempt(visit, `#${choice}-reason`, act));
    if (errors) return show(visit, errors);
    visit.leaveNotice(notice);
    return visit.goTo(revisionPath(process.id));
  });
}
