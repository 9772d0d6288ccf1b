import type { Mark } from '../diagrams/process-diagram.ts';
import type { PageError } from '../registries/refusals.ts';
import { idIn } from '../site/ids.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { drawingOf } from './drawing.ts';
import { act } from './instance-acts.ts';
import { instanceLine } from './instances.ts';
import {
  access,
  frame,
  instancePath,
  operates,
  operatorAccess,
  type ProcessParts,
  revisionPath,
} from './shell.ts';
import { shownRows, valueTypes, variablesIn } from './variable-entry.ts';
import { durationIn, kindOf, nameOf, namer } from './words.ts';

const historyPage = 50;
const mostListed = 50;

/** One instance: where it stands on its drawing and in a table, what stopped it, and what an operator may do (WF-4.3). */
export function instancePages(parts: ProcessParts): void {
  const { site, clients, names } = parts;
  const { admin, api } = clients;
  const path = '/processes/instances/:instance';

  /** What only those who supervise may see. */
  async function supervised(visit: SignedInVisit, instanceId: string) {
    if (!operates(visit)) return undefined;
    const after = /^\d{1,18}$/.test(visit.query.after ?? '') ? visit.query.after : undefined;
    const [open, resolved, history] = await Promise.all([
      admin.listIncidents({ query: { instanceId, open: true, limit: mostListed } }),
      admin.listIncidents({ query: { instanceId, open: false, limit: mostListed } }),
      admin.getInstanceHistory({
        params: { instanceId },
        query: { limit: historyPage, ...(after === undefined ? {} : { after }) },
      }),
    ]);
    return { open: open.body.incidents, resolved: resolved.body.incidents, history: history.body, after };
  }

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { voice } = visit;
    const instanceId = idIn(visit, 'instance');
    const params = { instanceId };
    const [instance, diagram, standing, tasks, called, more] = await Promise.all([
      api.getInstance({ params }).then(({ body }) => body),
      admin.getInstanceDiagram({ params }).then(({ body }) => body),
      admin.getInstanceTokens({ params }).then(({ body }) => body),
      admin.listInstanceTasks({ params }).then(({ body }) => body.tasks),
      api.getInstances({ query: { calledBy: instanceId, limit: mostListed } }).then(({ body }) => body),
      supervised(visit, instanceId),
    ]);
    const process = (await api.getProcess({ params: { processId: instance.processRef } })).body;
    const name = namer(voice, diagram.elements);
    const tokensAt = Map.groupBy(standing.tokens, ({ elementId }) => elementId);
    const marks = new Map<string, Mark>();
    for (const { id, state, passes } of diagram.elements) {
      const tokens = tokensAt.get(id)?.length ?? 0;
      const sign = { active: '●', incident: '!', completed: '✓', cancelled: '×' };
      const count = tokens > 1 ? tokens : passes > 1 && tokens === 0 ? passes : undefined;
      if (state)
        marks.set(id, {
          look: `portal-mark--${state}`,
          badge: `${sign[state]}${count === undefined ? '' : ` ${count}`}`,
        });
    }
    const taken = new Set(diagram.flows.filter(({ passes }) => passes > 0).map(({ id }) => id));
    const running = !instance.ended;
    const base = instancePath(instanceId);
    return visit.show(
      'processes/instance.njk',
      {
        ...frame(visit, 'instances'),
        back: '/processes/instances',
        base,
        errors,
        instance,
        process: { name: process.name, revision: process.revision, href: revisionPath(process.id) },
        parent: instance.parentInstanceId && instancePath(instance.parentInstanceId),
        running,
        live: running && errors.length === 0,
        revision: standing.revision,
        drawing: drawingOf(voice, instance.processRef, diagram.elements, diagram.flows, marks, taken),
        elements: diagram.elements
          .filter(({ state }) => state !== undefined)
          .sort((one, other) => (one.since ?? '').localeCompare(other.since ?? ''))
          .map((one) => ({
            ...one,
            name: nameOf(voice, one),
            kind: kindOf(voice, one.kind),
            took:
              one.since && one.until
                ? durationIn(voice, (Date.parse(one.until) - Date.parse(one.since)) / 1000)
                : undefined,
          })),
        tokens: standing.tokens.map((one) => ({
          ...one,
          name: name(one.elementId),
          timers: one.timers.map((timer) => ({ due: timer.due, name: name(timer.elementId) })),
          href: `${base}/tokens/${one.id}`,
        })),
        tasks: tasks.map((one) => ({ ...one, name: name(one.elementId) })),
        called: called.map(instanceLine),
        incidents: more?.open.map((one) => ({ ...one, name: name(one.elementId) })),
        resolved: more?.resolved.map((one) => ({ ...one, name: name(one.elementId) })),
        history: more?.history.events.map((one) => ({
          ...one,
          agency: names.member(one.organisation),
          entries: one.entries.map((entry) => ({ ...entry, name: name(entry.elementId) })),
        })),
        historyNext: more?.history.next && `${base}?after=${more.history.next}#history`,
        historyFirst: more?.after && `${base}#history`,
        rows: variablesIn(visit).rows,
        entered: visit.body,
        shownRows,
        valueTypes,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, access, (visit) => show(visit));

  site.action(path, operatorAccess, async (visit) => {
    const { errors, notice } = await act(parts, visit, idIn(visit, 'instance'));
    if (errors) return show(visit, errors);
    visit.leaveNotice(notice);
    return visit.goTo(instancePath(idIn(visit, 'instance')));
  });

  /** A token, and the places of its scope to which it may be moved. */
  async function showToken(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const params = { instanceId: idIn(visit, 'instance') };
    const tokenId = idIn(visit, 'token');
    const [diagram, standing] = await Promise.all([
      admin.getInstanceDiagram({ params }),
      admin.getInstanceTokens({ params }),
    ]);
    const token = standing.body.tokens.find(({ id }) => id === tokenId);
    const base = instancePath(params.instanceId);
    // It has gone on meanwhile.
    if (!token) {
      visit.leaveNotice('tokenGone');
      return visit.goTo(base);
    }
    const { elements, flows } = diagram.body;
    // What a flow leads to is begun by what is before it.
    const led = new Set(flows.map(({ target }) => target));
    const at = elements.find(({ id }) => id === token.elementId);
    return visit.show(
      'processes/token.njk',
      {
        ...frame(visit, 'instances'),
        back: base,
        here: `${base}/tokens/${tokenId}`,
        errors,
        token: { ...token, name: at ? nameOf(visit.voice, at) : token.elementId },
        revision: standing.body.revision,
        targets: elements
          .filter(({ id, kind, parent }) => parent === at?.parent && id !== at?.id && standable(kind))
          .map((one) => ({
            id: one.id,
            name: nameOf(visit.voice, one),
            kind: kindOf(visit.voice, one.kind),
          })),
        activities:
          token.waitsFor === 'adHoc'
            ? elements
                .filter(
                  ({ id, kind, parent }) => parent === token.elementId && standable(kind) && !led.has(id),
                )
                .map((one) => ({
                  id: one.id,
                  name: nameOf(visit.voice, one),
                  kind: kindOf(visit.voice, one.kind),
                }))
            : [],
        entered: visit.body,
      },
      errors.length > 0 ? 422 : 200,
    );
  }
  const standable = (kind: string): boolean =>
    !['boundaryEvent', 'startEvent', 'eventSubProcess'].includes(kind);

  site.page(`${path}/tokens/:token`, operatorAccess, (visit) => showToken(visit));
  site.action(`${path}/tokens/:token`, operatorAccess, async (visit) => {
    const { errors, notice } = await act(parts, visit, idIn(visit, 'instance'));
    if (errors) return showToken(visit, errors);
    visit.leaveNotice(notice);
    return visit.goTo(instancePath(idIn(visit, 'instance')));
  });
}
