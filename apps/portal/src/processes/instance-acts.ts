import type { PageError } from '../registries/refusals.ts';
import { idIn } from '../site/ids.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { attempt } from './refusals.ts';
import type { ProcessParts } from './shell.ts';
import { variablesIn } from './variable-entry.ts';

export interface Done {
  readonly errors?: readonly PageError[];
  /** What is said on the next page. */
  readonly notice: string;
}

interface Asked {
  readonly parts: ProcessParts;
  readonly visit: SignedInVisit;
  readonly instanceId: string;
  readonly reason: string;
  /** Revision of the instance on the page that was sent. */
  readonly revision: number;
  readonly once: { readonly idempotencyKey?: string };
}

type Act = (asked: Asked) => Promise<readonly PageError[] | undefined>;

const suspend: Act = ({ parts: { clients }, visit, instanceId, reason }) =>
  attempt(visit, '#suspend-reason', () =>
    clients.admin.suspendInstance({ params: { instanceId }, body: { reason } }),
  );

const resume: Act = ({ parts: { clients }, visit, instanceId, reason }) =>
  attempt(visit, '#resume-reason', () =>
    clients.admin.resumeInstance({ params: { instanceId }, body: { reason } }),
  );

const cancel: Act = ({ parts: { clients }, visit, instanceId, reason, once }) =>
  attempt(visit, '#cancel-reason', () =>
    clients.admin.cancelInstance({ params: { instanceId }, body: { reason }, ...once }),
  );

const retry: Act = async ({ parts: { clients }, visit, reason }) => {
  const { variables, errors } = variablesIn(visit);
  if (errors.length > 0) return errors;
  const incidentId = input(visit, 'incident');
  const corrected = Object.keys(variables).length > 0 ? { variables } : {};
  return attempt(visit, '#incidents', () =>
    clients.admin.retryIncident({ params: { incidentId }, body: { reason, ...corrected } }),
  );
};

const variables: Act = async ({ parts: { clients }, visit, instanceId, reason, revision, once }) => {
  const { variables: entered, errors } = variablesIn(visit);
  if (errors.length > 0) return errors;
  if (Object.keys(entered).length === 0)
    return [{ text: visit.voice.t('processes.variables.none'), href: '#name-0' }];
  const scopeId = input(visit, 'scope');
  const scope = scopeId === '' ? {} : { scopeId };
  return attempt(visit, '#name-0', () =>
    clients.admin.setInstanceVariables({
      params: { instanceId },
      body: { revision, variables: entered, ...scope, reason },
      ...once,
    }),
  );
};

const move: Act = async ({ parts: { clients }, visit, instanceId, reason, revision, once }) => {
  const elementId = input(visit, 'elementId');
  if (elementId === '') return [{ text: visit.voice.t('processes.token.targetMissing'), href: '#elementId' }];
  const params = { instanceId, tokenId: idIn(visit, 'token') };
  return attempt(visit, '#elementId', () =>
    clients.admin.moveToken({ params, body: { revision, elementId, reason }, ...once }),
  );
};

const begin: Act = async ({ parts: { clients }, visit, instanceId, reason, revision, once }) => {
  const elementId = input(visit, 'begun');
  if (elementId === '') return [{ text: visit.voice.t('processes.token.activityMissing'), href: '#begun' }];
  const params = { instanceId, tokenId: idIn(visit, 'token') };
  return attempt(visit, '#begun', () =>
    clients.admin.activateElement({ params, body: { revision, elementId, reason }, ...once }),
  );
};

const remove: Act = ({ parts: { clients }, visit, instanceId, reason, revision, once }) => {
  const params = { instanceId, tokenId: idIn(visit, 'token') };
  return attempt(visit, '#remove-reason', () =>
    clients.admin.cancelToken({ params, body: { revision, reason }, ...once }),
  );
};

const acts: Readonly<Record<string, { readonly act: Act; readonly notice: string; readonly field: string }>> =
  {
    suspend: { act: suspend, notice: 'instanceSuspended', field: 'suspend-reason' },
    resume: { act: resume, notice: 'instanceResumed', field: 'resume-reason' },
    cancel: { act: cancel, notice: 'instanceCancelled', field: 'cancel-reason' },
    retry: { act: retry, notice: 'incidentRetried', field: 'retry-reason' },
    variables: { act: variables, notice: 'variablesSet', field: 'reason' },
    move: { act: move, notice: 'tokenMoved', field: 'move-reason' },
    begin: { act: begin, notice: 'activityBegun', field: 'begin-reason' },
    remove: { act: remove, notice: 'tokenRemoved', field: 'remove-reason' },
  };

/** Does with an instance what the sent form says, once, for the reason given, in the revision that was seen. */
export async function act(parts: ProcessParts, visit: SignedInVisit, instanceId: string): Promise<Done> {
  const choice = input(visit, 'choice');
  const one = Object.hasOwn(acts, choice) ? acts[choice] : undefined;
  const reason = input(visit, 'reason').slice(0, 1000);
  const { t } = visit.voice;
  if (!one) return { notice: '', errors: [{ text: t('processes.choose'), href: '#acts' }] };
  if (reason === '')
    return { notice: '', errors: [{ text: t('processes.reasonMissing'), href: `#${one.field}` }] };
  const key = formKey(visit);
  const revision = Number(/^\d{1,9}$/.exec(input(visit, 'revision'))?.[0] ?? '0');
  const once = key === '' ? {} : { idempotencyKey: key };
  const errors = await one.act({ parts, visit, instanceId, reason, revision, once });
  return { notice: one.notice, ...(errors ? { errors } : {}) };
}
