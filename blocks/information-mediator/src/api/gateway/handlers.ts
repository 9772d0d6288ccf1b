import { badRequest, forbidden, type ImplementedSurface, implement } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Directory } from '../../directory/directory.ts';
import { assertTarget, targetOf } from '../../directory/target.ts';
import { deletePolicy, putCredential, putPolicy } from '../../gateway/store.ts';
import type { Upstreams } from '../../gateway/upstreams.ts';
import type { MediatorTables } from '../../tables.ts';
import { assertAuthority, authorityOf, type Governance, isWithin } from '../authority.ts';
import { pageFrom, pageOf } from '../paging.ts';
import type { Who } from '../who.ts';
import { mediatorGateway } from './operations.ts';
import type { Credential, Policy } from './policy.ts';

export interface GatewayAdministration {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly governance: Governance;
  /** The mediator's own application: its services are never held back. */
  readonly own: string;
  readonly upstreams: Upstreams;
  readonly seal: (credential: Credential, service: string) => Buffer;
}

export function administerGateway({
  db,
  directory,
  governance,
  own,
  upstreams,
  seal,
}: GatewayAdministration): ImplementedSurface {
  const authority = ({ caller, person }: Who) => authorityOf(governance, caller, person);
  const over = (who: Who, service: string): void => {
    assertAuthority(authority(who), service);
    if (service.startsWith(`${own}/`)) throw forbidden('The mediator’s own services are not held back');
  };
  const done = async (work: Promise<boolean>): Promise<{ readonly status: 204 }> => {
    if (await work) await directory.refresh();
    return { status: 204 };
  };

  /** Addresses are checked as those of services are: nothing inside the machine's own surroundings is reached. */
  function assertUpstreams(service: string, { upstreams: wanted = [], circuit, health }: Policy): void {
    for (const [index, { url }] of wanted.entries()) {
      assertTarget(url);
      if (targetOf(url)?.kind !== 'http')
        throw badRequest('An upstream is an address', [
          { in: 'body', pointer: `/upstreams/${index}/url`, detail: 'must be an http(s) URL' },
        ]);
    }
    const target = directory.service(service)?.target ?? '';
    if ((circuit || health) && wanted.length === 0 && targetOf(target)?.kind === 'local')
      throw badRequest('A block of this process needs no circuit breaker');
  }

  return implement(mediatorGateway, {
    async putPolicy({ params: { service }, body, ...who }) {
      over(who, service);
      assertUpstreams(service, body);
      return done(putPolicy(db, service, body));
    },
    async deletePolicy({ params: { service }, ...who }) {
      over(who, service);
      return done(deletePolicy(db, service));
    },
    async putCredential({ params: { service }, body: { credential }, ...who }) {
      over(who, service);
      if (credential?.kind === 'client-credentials') assertTarget(credential.tokenUrl);
      return done(putCredential(db, service, credential && seal(credential, service)));
    },
    async listPolicies({ query, ...who }) {
      const held = authority(who);
      const shown = directory
        .services()
        .filter(({ id, policy }) => policy !== undefined && isWithin(held, id))
        .map(({ id, target, policy = {}, credential }) => ({
          service: id,
          policy,
          credential: credential !== undefined,
          upstreams:
            targetOf(target)?.kind === 'http' || policy.upstreams ? upstreams.state(id, target, policy) : [],
        }));
      return { status: 200, body: pageFrom(shown, pageOf(query), ({ service }) => service) };
    },
  });
}
