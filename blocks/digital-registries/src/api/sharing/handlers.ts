import { applicationOf, type ImplementedSurface, implement, Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import QRCode from 'qrcode';
import type { Gate } from '../../access/access.ts';
import type { SubjectHash } from '../../history/read-log.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import { downloadOf } from '../../sharing/download.ts';
import type { SendLink } from '../../sharing/messaging.ts';
import {
  createShareLink,
  expiryOf,
  openShareLink,
  readSharing,
  revokeShareLink,
  setSharing,
  shareLinksOf,
  switchedOff,
} from '../../sharing/share-link.ts';
import type { RegistryTables } from '../../tables.ts';
import { readerOf } from '../reader-of.ts';
import { by, type Who } from '../who.ts';
import { registrySharing } from './operations.ts';

export interface SharingDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  readonly gate: Gate;
  readonly verifyConsent: (reference: string) => Promise<boolean>;
  /** Page that shows what a link leads to; empty: there is none. */
  readonly shareUrl: string;
  /** How long links hold unless they say, and at most. */
  readonly shareDays: number;
  readonly shareMostDays: number;
  /** Undefined: links are not sent. */
  readonly send: SendLink | undefined;
  readonly log: Logger;
  readonly now: () => Date;
}

/** The surface of sharing: who may, then one call of the sharing room. */
export function serveSharing(parts: SharingDependencies): ImplementedSurface {
  const { db, catalogue, gate, shareUrl, send, log, now } = parts;

  /** Whose links somebody may see and end: their own, or, undefined, all. */
  const sharerFor = async (who: Who): Promise<string | undefined> => {
    try {
      await gate.administer(who);
      return undefined;
    } catch (error) {
      if (error instanceof Problem && error.status === 403) return by(who);
      throw error;
    }
  };

  return implement(registrySharing, {
    async createShare({ body, caller, person }) {
      const reader = readerOf(caller, person);
      const expiresAt = expiryOf(body.expiresAt, now(), parts.shareDays, parts.shareMostDays);
      const granted = await gate.open(reader, body.registry, body.version ?? 'latest', 'read');
      if (body.sendTo !== undefined && (!send || shareUrl === '')) throw switchedOff();
      if (body.consentReference !== undefined && !(await parts.verifyConsent(body.consentReference)))
        throw new Problem(403, 'The consent is not in force');
      const wanted = { ...body, expiresAt, download: body.download ?? false };
      const { id, token } = await createShareLink(db, granted, reader, body.record, wanted, now());
      const url = shareUrl === '' ? null : `${shareUrl}#${token}`;
      let emailed: boolean | null = null;
      if (body.sendTo !== undefined && send && url !== null)
        emailed = await send(body.sendTo, { id, url, expiresAt }).then(
          () => true,
          (error) => {
            log.warn({ err: error, link: id }, 'a link could not be sent');
            return false;
          },
        );
      const qr = await QRCode.toString(url ?? token, { type: 'svg', errorCorrectionLevel: 'M' });
      return { status: 200, body: { id, token, url, qr, expiresAt: expiresAt.toISOString(), emailed } };
    },
    async openShare({ body, caller, person }) {
      const owner = applicationOf(caller.service);
      const opened = await openShareLink(parts, owner, { caller, person }, body.token, 'look', now());
      const { registryName, content, viewOnly, expiresAt } = opened;
      return { status: 200, body: { registryName, content: { ...content }, viewOnly, expiresAt } };
    },
    async downloadShare({ body, caller, person }) {
      const owner = applicationOf(caller.service);
      const opened = await openShareLink(parts, owner, { caller, person }, body.token, 'download', now());
      return { status: 200, ...downloadOf(opened, body.format, now()) };
    },
    async listShares({ query, ...who }) {
      const owner = applicationOf(who.caller.service);
      const of = { registry: query.registry, sharer: await sharerFor(who) };
      const shares = await shareLinksOf(db, catalogue, owner, of);
      return { status: 200, body: { shares: shares.map((one) => ({ ...one, fields: [...one.fields] })) } };
    },
    async revokeShare({ params, ...who }) {
      const owner = applicationOf(who.caller.service);
      await revokeShareLink(db, owner, params.id, by(who), await sharerFor(who), now());
      return { status: 204 };
    },
    async putSharing({ params, body, ...who }) {
      await setSharing(db, await gate.administer(who), params.code, body.allowed);
      return { status: 204 };
    },
    async getSharing({ params, caller, person }) {
      const { registry } = await gate.open(readerOf(caller, person), params.code, 'latest', 'read');
      return { status: 200, body: { allowed: await readSharing(db, registry.owner, registry.code) } };
    },
  });
}
