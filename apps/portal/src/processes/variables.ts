import type { PageError } from '../registries/refusals.ts';
import { idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { act } from './instance-acts.ts';
import { attempt } from './refusals.ts';
import { frame, instancePath, operatorAccess, type ProcessParts } from './shell.ts';
import { shownRows, valueTypes, variablesIn } from './variable-entry.ts';
import { namer } from './words.ts';

/** Variables of an instance: their names, their values for those who may read them and say why, and how to set them (WF-5.1.1). */
export function variablePages(parts: ProcessParts): void {
  const { site, clients } = parts;
  const { admin } = clients;
  const path = '/processes/instances/:instance/variables';

  async function show(
    visit: SignedInVisit,
    more: { readonly errors?: readonly PageError[]; readonly values?: ReadonlyMap<string, unknown> } = {},
  ) {
    const params = { instanceId: idIn(visit, 'instance') };
    const [listed, diagram, standing] = await Promise.all([
      admin.listInstanceVariables({ params }),
      admin.getInstanceDiagram({ params }),
      admin.getInstanceTokens({ params }),
    ]);
    const { errors = [], values } = more;
    const name = namer(visit.voice, diagram.body.elements);
    const base = instancePath(params.instanceId);
    const { body } = listed;
    return visit.show(
      'processes/variables.njk',
      {
        ...frame(visit, 'instances'),
        back: base,
        here: `${base}/variables`,
        errors,
        readable: body.readable,
        shown: values !== undefined,
        running: standing.body.tokens.length > 0,
        revision: body.revision,
        scopes: standing.body.scopes
          .filter(({ kind }) => kind !== 'process')
          .map((one) => ({ id: one.id, name: name(one.elementId), index: one.index })),
        variables: body.variables.map((one) => {
          const value = values?.get(`${one.scopeId} ${one.name}`);
          return {
            ...one,
            place: name(one.elementId),
            value: value === undefined ? undefined : JSON.stringify(value, undefined, 2),
          };
        }),
        rows: variablesIn(visit).rows,
        shownRows,
        valueTypes,
        entered: { scope: input(visit, 'scope'), reason: input(visit, 'reason') },
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, operatorAccess, (visit) => show(visit));

  site.action(path, operatorAccess, async (visit) => {
    const instanceId = idIn(visit, 'instance');
    if (input(visit, 'choice') !== 'read') {
      const { errors, notice } = await act(parts, visit, instanceId);
      if (errors) return show(visit, { errors });
      visit.leaveNotice(notice);
      return visit.goTo(instancePath(instanceId));
    }
    const reason = input(visit, 'why').slice(0, 1000);
    if (reason === '')
      return show(visit, { errors: [{ text: visit.voice.t('processes.reasonMissing'), href: '#why' }] });
    let values = new Map<string, unknown>();
    const errors = await attempt(visit, '#why', async () => {
      const { body } = await admin.readInstanceVariables({ params: { instanceId }, body: { reason } });
      values = new Map(
        body.scopes.flatMap(({ scopeId, variables }) =>
          Object.entries(variables).map(([name, value]) => [`${scopeId} ${name}`, value] as const),
        ),
      );
    });
    return show(visit, errors ? { errors } : { values });
  });
}
