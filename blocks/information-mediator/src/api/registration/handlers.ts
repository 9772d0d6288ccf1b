import {
  applicationOf,
  badRequest,
  conflict,
  forbidden,
  type ImplementedSurface,
  implement,
  memberOf,
  notFound,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Directory } from '../../directory/directory.ts';
import { certificateOf, publicKeyOf } from '../../directory/registration.ts';
import { findPlan } from '../../gateway/plans.ts';
import { carryOut } from '../../registration/approval.ts';
import {
  fileRequest,
  findRequest,
  listRequests,
  moveRequest,
  type NewRequest,
  requestOf,
} from '../../registration/requests.ts';
import type { MediatorTables } from '../../tables.ts';
import { type Authority, authorityOf, type Governance, isWithin } from '../authority.ts';
import { page, pageFrom, pageOf } from '../paging.ts';
import type { Who } from '../who.ts';
import { mediatorRegistration } from './operations.ts';

export interface Registration {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly governance: Governance;
  readonly instance: string;
  readonly knows: (application: string) => boolean;
}

const actor = ({ caller, person }: Who): string => person?.id ?? caller.application;

export function registerOnRequest({
  db,
  directory,
  governance,
  instance,
  knows,
}: Registration): ImplementedSurface {
  /** Undefined: somebody who administers nothing. */
  const authority = ({ caller, person }: Who): Authority | undefined => {
    try {
      return authorityOf(governance, caller, person);
    } catch {
      return undefined;
    }
  };
  /** Whether somebody speaks for an application or member: who administers it, or the application itself. */
  const speaksFor = (who: Who, id: string): boolean => {
    const held = authority(who);
    return held ? isWithin(held, id) : !who.person && who.caller.application === id;
  };

  /** Only the provider decides on access to its services (IM-6.2-g), governance as a provider alone. */
  function assertDecides(who: Who, provider: string | null): void {
    const held = authority(who);
    if (provider === null) {
      if (held?.kind !== 'all') throw forbidden('This is for administrators of the ecosystem to decide');
      return;
    }
    const decides =
      held?.kind === 'all'
        ? memberOf(provider) === memberOf(governance.application)
        : speaksFor(who, provider);
    if (!decides) throw forbidden('This is for the provider of the service to decide');
  }

  async function mine(who: Who, id: string) {
    const row = await findRequest(db, id);
    const held = authority(who);
    if (row.requested_by === actor(who) || (held && isWithin(held, row.agency))) return row;
    throw notFound('This request');
  }

  return implement(mediatorRegistration, {
    async putRequest({ params, body: { purpose, ...wanted }, ...who }) {
      const base = {
        id: params.request,
        kind: wanted.kind,
        requestedBy: actor(who),
        agency: who.person?.agency ?? memberOf(who.caller.application),
      };
      const why = purpose === undefined ? {} : { purpose };
      const file = async (request: NewRequest) => ({
        status: 200 as const,
        body: await fileRequest(db, request),
      });
      if (wanted.kind === 'member') {
        const { member, name } = wanted;
        if (member.split('/')[0] !== instance) throw badRequest('The member is not one of this instance');
        if (directory.hasMember(member)) throw conflict('The member is registered already');
        return file({ ...base, subject: member, provider: undefined, document: { name, ...why } });
      }
      if (wanted.kind === 'application') {
        const { kind: _, application, ...fields } = wanted;
        if (!directory.hasMember(memberOf(application))) throw badRequest('The member is not registered');
        if (!speaksFor(who, application)) throw forbidden('This belongs to another agency');
        if (directory.application(application)) throw conflict('The application is registered already');
        if (fields.publicKey) publicKeyOf(fields.publicKey);
        fields.tlsCertificates?.map(certificateOf);
        return file({ ...base, subject: application, provider: undefined, document: { ...fields, ...why } });
      }
      const { consumer, service, endpoints, plan } = wanted;
      if (!speaksFor(who, consumer)) throw forbidden('Another application is to have the access');
      if (!knows(consumer)) throw badRequest('The application that is to have the access is not registered');
      if (!directory.service(service)) throw badRequest('There is no such service');
      if (plan !== undefined && !findPlan(directory.service(service)?.policy, plan))
        throw badRequest('The service offers no such plan');
      return file({
        ...base,
        subject: service,
        provider: applicationOf(service),
        document: { consumer, ...(endpoints ? { endpoints } : {}), ...(plan ? { plan } : {}), ...why },
      });
    },
    async submitRequest({ params, ...who }) {
      const row = await mine(who, params.request);
      const step = { from: 'WAITING', to: 'SUBMITTED_FOR_APPROVAL' } as const;
      const { plan: name, ...document } = row.document as { plan?: string };
      const plan = name === undefined ? undefined : findPlan(directory.service(row.subject)?.policy, name);
      if (plan?.approval === 'auto' && row.state === 'APPROVED') return { status: 200, body: requestOf(row) };
      if (plan?.approval !== 'auto')
        return { status: 200, body: await moveRequest(db, params.request, step) };
      await moveRequest(db, params.request, step);
      const approved = await moveRequest(
        db,
        params.request,
        { from: 'SUBMITTED_FOR_APPROVAL', to: 'APPROVED', by: `plan ${plan.name}` },
        (trx) => carryOut(trx, row.kind, row.subject, { ...document, plan: plan.name }, `plan ${plan.name}`),
      );
      await directory.refresh();
      return { status: 200, body: approved };
    },
    async revokeRequest({ params, ...who }) {
      await mine(who, params.request);
      return { status: 200, body: await moveRequest(db, params.request, { from: 'WAITING', to: 'REVOKED' }) };
    },
    async decideRequest({ params, body, ...who }) {
      const row = await findRequest(db, params.request);
      assertDecides(who, row.provider);
      const { approve, reason } = body;
      const by = actor(who);
      const decided = await moveRequest(
        db,
        params.request,
        { from: 'SUBMITTED_FOR_APPROVAL', to: approve ? 'APPROVED' : 'DECLINED', by, reason },
        async (trx) => {
          if (!approve) return;
          const { purpose: _, ...document } = row.document as Record<string, unknown>;
          await carryOut(trx, row.kind, row.subject, document, `${who.caller.application} ${by}`);
        },
      );
      if (approve) await directory.refresh();
      return { status: 200, body: decided };
    },
    async getRequest({ params, ...who }) {
      const row = await findRequest(db, params.request);
      const held = authority(who);
      const seen =
        row.requested_by === actor(who) ||
        (held && (isWithin(held, row.agency) || (row.provider !== null && isWithin(held, row.provider))));
      if (!seen) throw notFound('This request');
      return { status: 200, body: requestOf(row) };
    },
    async listCatalogue({ query }) {
      const shown = directory
        .services()
        .filter(({ applicationId }) => directory.application(applicationId)?.enabled)
        .map(({ id, title, enabled, notice, policy }) => ({
          id,
          title,
          enabled,
          notice: notice ?? null,
          plans: [...(policy?.plans ?? [])],
        }));
      return { status: 200, body: pageFrom(shown, pageOf(query), ({ id }) => id) };
    },
    async listRequests({ query: { state, kind, ...paging }, ...who }) {
      const held = authority(who);
      const request = pageOf(paging);
      const part =
        held?.kind === 'all' || (!held && who.person) ? undefined : (held?.id ?? who.caller.application);
      const requestedBy = !held && who.person ? who.person.id : undefined;
      const found = await listRequests(db, { state, kind, part, requestedBy, ...request });
      return { status: 200, body: page(found, request, ({ id }) => id) };
    },
  });
}
