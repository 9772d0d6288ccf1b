import type { PageError } from '../registries/refusals.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { attempt } from './refusals.ts';
import { frame, instancePath, operatorAccess, type ProcessParts, revisionPath } from './shell.ts';
import { startValues } from './variable-entry.ts';

/** A start by hand, with a form of what the process wants to know (WF-4.2-b). */
export function startPages({ site, clients: { api }, timeZone }: ProcessParts): void {
  const path = '/processes/revisions/:ref/start';
  const formOf = async (visit: SignedInVisit) =>
    (await api.getStartForm({ params: { processId: visit.params.ref as string } })).body;
  type Form = Awaited<ReturnType<typeof formOf>>;

  const show = (
    visit: SignedInVisit,
    form: Form,
    entered: Readonly<Record<string, string>> = {},
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'processes/start.njk',
      {
        ...frame(visit, 'overview'),
        back: revisionPath(form.processRef),
        here: `${revisionPath(form.processRef)}/start`,
        form,
        entered,
        errors,
        // What is sent again, mended, is still the same start.
        ...(formKey(visit) === '' ? {} : { formKey: formKey(visit) }),
      },
      errors.length > 0 ? 422 : 200,
    );

  site.page(path, operatorAccess, async (visit) => show(visit, await formOf(visit)));

  site.action(path, operatorAccess, async (visit) => {
    const form = await formOf(visit);
    const { entered, variables, errors } = startValues(visit, form.variables, timeZone);
    const businessKey = input(visit, 'businessKey').slice(0, 200);
    const all = { ...entered, businessKey };
    if (errors.length > 0) return show(visit, form, all, errors);
    let id = '';
    const key = formKey(visit);
    const refused = await attempt(visit, '#main-content', async () => {
      const { body } = await api.start({
        params: { processId: form.processRef },
        headers: {},
        body: { variables, ...(businessKey === '' ? {} : { businessKey }) },
        ...(key === '' ? {} : { idempotencyKey: key }),
      });
      id = body.id;
    });
    if (refused) return show(visit, form, all, refused);
    visit.leaveNotice('processStarted');
    return visit.goTo(instancePath(id));
  });
}
