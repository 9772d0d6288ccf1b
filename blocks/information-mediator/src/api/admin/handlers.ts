import {
  applicationOf,
  badRequest,
  type Caller,
  forbidden,
  type ImplementedSurface,
  implement,
  memberOf,
  notFound,
  type Person,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import { putRight, wholeService, withdrawRight } from '../../directory/access-rights.ts';
import type { Directory } from '../../directory/directory.ts';
import { putDisabledEndpoints } from '../../directory/disabled-endpoints.ts';
import { assertGroup, deleteGroup, isGroupId, keeperOf, putGroup } from '../../directory/groups.ts';
import { putApplication, putMaintenance, putMember, putService } from '../../directory/registration.ts';
import { allRights, listRights } from '../../directory/rights-list.ts';
import { type DeliveryState, listDeliveries, redeliver } from '../../events/dead-letters.ts';
import { deleteSubscription, listSubscriptions, putSubscription } from '../../events/subscriptions.ts';
import type { CarryOut } from '../../exchange/exchange.ts';
import type { MediatorTables } from '../../tables.ts';
import { type Authority, assertAuthority, authorityOf, type Governance, isWithin } from '../authority.ts';
import { page, pageFrom, pageOf } from '../paging.ts';
import { mediatorAdmin } from './operations.ts';
import { tryOut } from './trial.ts';

export interface Administration {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly governance: Governance;
  readonly wakeDelivery: () => void;
  /** Whether an application is registered here, or on another server of an instance this one exchanges with. */
  readonly knows: (application: string) => boolean;
  /** How services are tried out; undefined where they are not. */
  readonly tries: CarryOut | undefined;
}

/** Who may call what, and as one of which group. */
interface Entitled {
  readonly application: string;
  readonly group: string | null;
  readonly method: string;
  readonly path: string;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** The administration surface: who may, then one call of the domain, then the change takes effect on this node. */
export function administer({
  db,
  directory,
  governance,
  wakeDelivery,
  knows,
  tries,
}: Administration): ImplementedSurface {
  const authority = ({ caller, person }: Who): Authority => authorityOf(governance, caller, person);
  const over = (who: Who, id: string): void => assertAuthority(authority(who), id);
  const own = (who: Who): ((id: string) => boolean) => {
    const held = authority(who);
    return (id) => isWithin(held, id);
  };
  /** The member or application to which lists are limited. */
  const partOf = (who: Who): string | undefined => {
    const held = authority(who);
    return held.kind === 'all' ? undefined : held.id;
  };
  const done = async (work: Promise<boolean>): Promise<{ readonly status: 204 }> => {
    if (await work) await directory.refresh();
    return { status: 204 };
  };
  const actor = ({ caller, person }: Who): string =>
    person ? `${caller.application} person ${person.id}` : caller.application;

  return implement(mediatorAdmin, {
    async putMember({ params, body, ...who }) {
      if (authority(who).kind !== 'all') over(who, governance.application);
      return done(putMember(db, { id: params.member, name: body.name }));
    },
    async putMaintenance({ body, ...who }) {
      if (authority(who).kind !== 'all') over(who, governance.application);
      return done(putMaintenance(db, body.notice));
    },
    async listMembers({ query, ...who }) {
      const mine = own(who);
      const shown = directory.members().filter(({ id }) => mine(id));
      return { status: 200, body: pageFrom(shown, pageOf(query), ({ id }) => id) };
    },
    async putApplication({ params, body, ...who }) {
      over(who, params.application);
      if (authority(who).kind !== 'all' && !directory.application(params.application))
        throw forbidden('An application is registered on request: see mediator-registration-v1');
      return done(putApplication(db, { id: params.application, ...body }));
    },
    async listApplications({ query, ...who }) {
      const mine = own(who);
      const shown = directory
        .applications()
        .filter(({ id, memberId }) => mine(id) && (query.member === undefined || memberId === query.member))
        .map(({ id, name, enabled, publicKey, operators, connection, tlsCertificates }) => ({
          id,
          name,
          status: enabled ? 'registered' : 'disabled',
          publicKey: (publicKey as Record<string, unknown> | undefined) ?? null,
          operators: [...operators],
          connection,
          tlsCertificates: [...tlsCertificates],
        }));
      return { status: 200, body: pageFrom(shown, pageOf(query), ({ id }) => id) };
    },
    async putService({ params, body, ...who }) {
      over(who, params.service);
      return done(putService(db, { id: params.service, ...body }));
    },
    async listServices({ query, ...who }) {
      const mine = own(who);
      const shown = directory
        .services()
        .filter(
          ({ id, applicationId }) =>
            mine(id) && (query.application === undefined || applicationId === query.application),
        )
        .map(({ id, title, target, timeoutMs, enabled, notice, openapi, disabledEndpoints }) => ({
          id,
          title,
          target,
          timeoutMs,
          enabled,
          notice: notice ?? null,
          disabledEndpoints: [...disabledEndpoints],
          describedHere: openapi !== undefined,
        }));
      return { status: 200, body: pageFrom(shown, pageOf(query), ({ id }) => id) };
    },
    async tryService({ params, body, signal, ...who }) {
      const held = authority(who);
      // Whoever governs the instance does not speak for other agencies.
      const speaker = who.person?.agency ?? memberOf(who.caller.application);
      assertAuthority(held.kind === 'all' ? { kind: 'member', id: speaker } : held, params.application);
      if (!tries) throw forbidden('This mediator does not let services be tried out');
      const { application: client, service } = params;
      return {
        status: 200,
        body: await tryOut(tries, { client, service, headers: {}, body: undefined, ...body, signal }),
      };
    },
    async putRight({ params, body, ...who }) {
      over(who, params.service);
      if (isGroupId(params.subject))
        assertGroup(
          params.subject,
          applicationOf(params.service),
          (id) => directory.groups().has(id) || knows(id),
        );
      else if (!knows(params.subject))
        throw badRequest('The application that is to have the right is not registered');
      const endpoints = body.endpoints ?? [wholeService];
      return done(putRight(db, { ...params, endpoints, grantedBy: actor(who) }));
    },
    async deleteRight({ params, ...who }) {
      over(who, params.service);
      return done(withdrawRight(db, params));
    },
    async listRights({ query, ...who }) {
      const request = pageOf(query);
      const rights = await listRights(db, { ...query, part: partOf(who), ...request });
      return {
        status: 200,
        body: page(rights, request, (one) => [one.service, one.subject, one.method, one.path].join(' ')),
      };
    },
    async listEntitled({ params, query, ...who }) {
      over(who, params.service);
      const rights = await allRights(db, params.service);
      const shown = rights.flatMap(({ subject, method, path }): Entitled[] => {
        const group = directory.groups().get(subject);
        return group
          ? group.members.map((application) => ({ application, group: group.id, method, path }))
          : [{ application: subject, group: null, method, path }];
      });
      const keyOf = (one: Entitled): string =>
        [one.application, one.group ?? '', one.method, one.path].join(' ');
      shown.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      return { status: 200, body: pageFrom(shown, pageOf(query), keyOf) };
    },
    async putDisabledEndpoints({ params, body, ...who }) {
      over(who, params.service);
      return done(putDisabledEndpoints(db, params.service, body.endpoints));
    },
    async putGroup({ params, body, ...who }) {
      over(who, keeperOf(params.group) ?? governance.application);
      const keeper = keeperOf(params.group);
      if (keeper !== undefined && !directory.application(keeper))
        throw badRequest('The application that is to keep the group is not registered');
      const stranger = body.members.findIndex((one) => !knows(one));
      if (stranger >= 0)
        throw badRequest('The group has members that are not registered', [
          { in: 'body', pointer: `/members/${stranger}`, detail: 'is not registered' },
        ]);
      return done(putGroup(db, { id: params.group, ...body }));
    },
    async deleteGroup({ params, ...who }) {
      over(who, keeperOf(params.group) ?? governance.application);
      return done(deleteGroup(db, params.group));
    },
    async listGroups({ query, ...who }) {
      const mine = own(who);
      const shown = [...directory.groups().values()]
        .filter(({ id }) => mine(keeperOf(id) ?? governance.application))
        .map(({ id, description, members }) => ({ id, description, members: [...members] }));
      return { status: 200, body: pageFrom(shown, pageOf(query), ({ id }) => id) };
    },
    async putSubscription({ params, ...who }) {
      over(who, params.source);
      return done(putSubscription(db, params, actor(who)));
    },
    async deleteSubscription({ params, ...who }) {
      over(who, params.source);
      return done(deleteSubscription(db, params));
    },
    async listSubscriptions({ query, ...who }) {
      const request = pageOf(query);
      const found = await listSubscriptions(db, {
        source: query.source,
        part: partOf(who),
        ...request,
      });
      return {
        status: 200,
        body: page(found, request, (one) => [one.source, one.eventType, one.subscriber].join(' ')),
      };
    },
    async listDeliveries({ query, ...who }) {
      const request = pageOf(query);
      const found: DeliveryState[] = await listDeliveries(db, {
        state: query.state,
        part: partOf(who),
        ...request,
      });
      return { status: 200, body: page(found, request, ({ sequence }) => sequence) };
    },
    async redeliver({ params, ...who }) {
      if (!(await redeliver(db, params.sequence, partOf(who)))) throw notFound('A dead delivery');
      wakeDelivery();
      return { status: 204 };
    },
  });
}
