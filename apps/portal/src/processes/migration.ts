import type { PageError } from '../registries/refusals.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt } from './refusals.ts';
import { revisionsOf } from './revision.ts';
import { frame, instancePath, operatorAccess, type ProcessParts, revisionPath } from './shell.ts';
import { nameOf, namer } from './words.ts';

/** Running instances go over to another revision: a map of what has another id there, a preview, and the result of each. */
export function migrationPages(parts: ProcessParts): void {
  const { site, clients } = parts;
  const { admin, api } = clients;
  const path = '/processes/revisions/:ref/migration';

  /** Elements of this revision that the other one has not under the same id: those may be mapped. */
  async function choicesOf(from: string, to: string) {
    const [here, there] = await Promise.all(
      [from, to].map(
        async (processId) => (await admin.getProcessOutline({ params: { processId } })).body.elements,
      ),
    );
    const known = new Set(there?.map(({ id }) => id));
    return {
      here: here ?? [],
      there: there ?? [],
      gone: (here ?? []).filter(({ id, active }) => !known.has(id) || active > 0),
    };
  }

  async function show(visit: SignedInVisit, more: { errors?: readonly PageError[]; result?: object } = {}) {
    const process = (await api.getProcess({ params: { processId: visit.params.ref as string } })).body;
    const revisions = (await revisionsOf(parts, process.key)).filter(({ id }) => id !== process.id);
    const asked = input(visit, 'to') || (visit.query.to ?? '');
    const to = revisions.find(({ id }) => id === asked);
    const choices = to && (await choicesOf(process.id, to.id));
    const { errors = [] } = more;
    return visit.show(
      'processes/migration.njk',
      {
        ...frame(visit, 'overview'),
        back: revisionPath(process.id),
        here: `${revisionPath(process.id)}/migration`,
        process,
        revisions,
        to,
        maps: choices?.gone.map((one, index) => ({
          index,
          id: one.id,
          name: nameOf(visit.voice, one),
          chosen:
            input(visit, `map-${index}`) || (choices.there.some(({ id }) => id === one.id) ? one.id : ''),
          options: choices.there
            .filter(({ kind }) => kind === one.kind)
            .map((other) => ({ id: other.id, name: nameOf(visit.voice, other) })),
        })),
        reason: input(visit, 'reason'),
        ...more,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, operatorAccess, (visit) => show(visit));

  site.action(path, operatorAccess, async (visit) => {
    const from = (await api.getProcess({ params: { processId: visit.params.ref as string } })).body;
    const to = input(visit, 'to');
    const choice = input(visit, 'choice');
    const { here, there, gone } = await choicesOf(from.id, to);
    const pairs = gone.map(({ id }, index) => [id, input(visit, `map-${index}`)] as const);
    const elements = Object.fromEntries(pairs.filter(([id, other]) => other !== '' && other !== id));
    const after = input(visit, 'after');
    const body = { to, elements, limit: 100, ...(after === '' ? {} : { after }) };
    const params = { processId: from.id };
    const [nameHere, nameThere] = [namer(visit.voice, here), namer(visit.voice, there)];
    const told = (obstacles: readonly { elementId: string; message: string }[]) =>
      obstacles.map((one) => ({ name: nameHere(one.elementId), message: one.message }));
    let result: object | undefined;
    const reason = input(visit, 'reason').slice(0, 1000);
    if (choice === 'migrate' && reason === '')
      return show(visit, { errors: [{ text: visit.voice.t('processes.reasonMissing'), href: '#reason' }] });
    const errors = await attempt(visit, '#to', async () => {
      if (choice === 'migrate') {
        const { body: done } = await admin.migrateInstances({ params, body: { ...body, reason } });
        result = {
          done: true,
          migrated: done.migrated,
          next: done.next,
          instances: done.instances.map((one) => ({
            href: instancePath(one.instanceId),
            id: one.instanceId,
            possible: one.migrated,
            obstacles: told(one.obstacles),
          })),
        };
        return;
      }
      const { body: seen } = await admin.previewMigration({ params, body });
      result = {
        next: seen.next,
        instances: seen.instances.map((one) => ({
          href: instancePath(one.instanceId),
          id: one.instanceId,
          possible: one.possible,
          moves: one.moves.map((move) => ({ from: nameHere(move.from), to: nameThere(move.to) })),
          obstacles: told(one.obstacles),
        })),
      };
    });
    return show(visit, errors ? { errors } : { result: result as object });
  });
}
