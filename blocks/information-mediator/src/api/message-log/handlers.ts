import {
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
import { exchangeById, exchangesByCorrelation, type Scope } from '../../evidence/exchanges.ts';
import type { Signatures, SignerCertificates } from '../../evidence/signature.ts';
import { trafficByService } from '../../evidence/traffic.ts';
import { verifyChain } from '../../evidence/verify-chain.ts';
import type { Keyring } from '../../keys/keyring.ts';
import type { MediatorTables } from '../../tables.ts';
import type { Governance } from '../authority.ts';
import { mediatorLog } from './operations.ts';
import { type ReadingContents, search } from './search-handlers.ts';

/**
 * What somebody may see of the log: a person by role and agency, whichever application they use; an application by
 * itself (IM-6.7-d).
 */
export function scopeOf(governance: Governance, caller: Caller, person: Person | undefined): Scope {
  const { application } = caller;
  if (person) {
    const reader = person.roles.some((role) => role === 'auditor' || role === 'administrator');
    if (!reader || person.agency === undefined)
      throw forbidden('This needs the role auditor or administrator');
    return person.agency === memberOf(governance.application)
      ? { kind: 'all' }
      : { kind: 'member', member: person.agency };
  }
  if (governance.logReaders.includes(application)) return { kind: 'all' };
  return application === governance.application ? { kind: 'all' } : { kind: 'application', application };
}

const day = 86_400_000;
const longestPeriod = 31 * day;

function periodOf(query: { readonly from?: string; readonly to?: string }): { from: Date; to: Date } {
  const to = query.to === undefined ? new Date() : new Date(query.to);
  const from = query.from === undefined ? new Date(to.getTime() - longestPeriod) : new Date(query.from);
  if (from.getTime() > to.getTime() || to.getTime() - from.getTime() > longestPeriod)
    throw badRequest('The period must have at most 31 days', [
      { in: 'query', pointer: '/from', detail: 'must be at most 31 days before `to`' },
    ]);
  return { from, to };
}

/** The log surface: metadata and verification, never contents. */
export function readMessageLog(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  keyring: Keyring,
  signers: SignerCertificates,
  governance: Governance,
  contents: ReadingContents,
): ImplementedSurface {
  const whole = (caller: Caller, person: Person | undefined): void => {
    if (scopeOf(governance, caller, person).kind !== 'all')
      throw forbidden('Only who may read the whole log can use this');
  };
  return implement(mediatorLog, {
    ...search(db, signatures, ({ caller, person }) => scopeOf(governance, caller, person), contents),
    async listExchanges({ query, caller, person }) {
      const scope = scopeOf(governance, caller, person);
      const { correlationId, limit = 200 } = query;
      return {
        status: 200,
        body: await exchangesByCorrelation(db, signatures, scope, correlationId, limit),
      };
    },
    async getExchange({ params, caller, person }) {
      const scope = scopeOf(governance, caller, person);
      const exchange = await exchangeById(db, signatures, scope, params.exchangeId);
      if (!exchange) throw notFound('This exchange');
      return { status: 200, body: exchange };
    },
    async getSigningKey({ params: { keyId } }) {
      const key = await keyring.find(keyId);
      if (!key) throw notFound('This key');
      const publicKey = key.publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
      const certificate = (await signers.certificateOf(keyId))?.toString('base64') ?? null;
      return { status: 200, body: { keyId, owner: key.owner, publicKey, certificate } };
    },
    async verifyChain({ query, caller, person }) {
      whole(caller, person);
      const { from, to, limit = 10_000 } = query;
      const report = await verifyChain(db, signatures, {
        from: BigInt(from ?? '1'),
        to: to === undefined ? undefined : BigInt(to),
        limit,
      });
      return {
        status: 200,
        body: {
          from: report.from.toString(),
          to: report.to.toString(),
          head: report.head.toString(),
          records: report.records,
          exchanges: report.exchanges,
          signaturesVerified: report.signaturesVerified,
          broken: report.broken ? { at: report.broken.at.toString(), reason: report.broken.reason } : null,
        },
      };
    },
    async listTraffic({ query, caller, person }) {
      whole(caller, person);
      return { status: 200, body: { services: await trafficByService(db, periodOf(query)) } };
    },
  });
}
