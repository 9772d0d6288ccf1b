import { isIP } from 'node:net';
import { badRequest, isApplicationId, isServiceId, notFound, type ProblemDetail } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { refusal } from './refusal.ts';
import { type Key, publicKeyOf } from './signature.ts';

/** A system that speaks DCI with the registries of an owner. */
export interface Sender {
  readonly senderId: string;
  /** Who it is with the information mediator: what this application may see, it sees. */
  readonly application: string;
  readonly signature: 'demanded' | 'waived';
  readonly keys: readonly Key[];
  /** Addresses under which it may be called back. */
  readonly callbacks: readonly string[];
  /** Service behind the mediator at which it is called back when a message names no address. */
  readonly callbackService: string | null;
}

type Db = Kysely<RegistryTables>;
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** Addresses that lead to the machine's own surroundings, or nowhere. */
const forbidden = /^(169\.254\.|0\.|fe[89ab][0-9a-f]:|::$|::ffff:)/i;

/** Why nobody is called back there; undefined: it can be. Plain HTTP stays on this machine. */
function faultOfAddress(address: string): string | undefined {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) return 'is not an http(s) address';
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return 'must have no credentials, query or fragment';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && forbidden.test(host)) return 'is not an address of another system';
  if (url.protocol === 'http:' && !loopback.test(url.hostname)) return 'must be https';
  return undefined;
}

function assertSender(sender: Sender): void {
  const errors: ProblemDetail[] = [];
  const defect = (pointer: string, detail: string): void => void errors.push({ in: 'body', pointer, detail });
  if (!isApplicationId(sender.application)) defect('/application', 'is not INSTANCE/CLASS/MEMBER/SUBSYSTEM');
  for (const [index, key] of sender.keys.entries())
    if ('d' in key) defect(`/keys/${index}`, 'is a private key');
    else if (!publicKeyOf(key)) defect(`/keys/${index}`, 'is not an Ed25519 key, or an RSA key of 2048 bits');
  if (new Set(sender.keys.map(({ kid }) => kid)).size < sender.keys.length)
    defect('/keys', 'must have a kid each');
  for (const [index, address] of sender.callbacks.entries()) {
    const fault = faultOfAddress(address);
    if (fault) defect(`/callbacks/${index}`, fault);
  }
  if (sender.callbackService !== null && !isServiceId(sender.callbackService))
    defect('/callbackService', 'is not INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICE');
  if (errors.length > 0) throw badRequest('The sender cannot be registered', errors);
}

export async function putSender(db: Db, owner: string, sender: Sender, by: string): Promise<void> {
  assertSender(sender);
  const columns = {
    application: sender.application,
    signature: sender.signature,
    keys: JSON.stringify(sender.keys),
    callbacks: [...sender.callbacks],
    callback_service: sender.callbackService,
    modified_by: by,
  };
  await db
    .insertInto('dci_sender')
    .values({ owner, sender_id: sender.senderId, ...columns })
    .onConflict((existing) =>
      existing
        .constraint('dci_sender_pkey')
        .doUpdateSet({ ...columns, modified_at: new Date().toISOString() }),
    )
    .execute();
}

const senders = (db: Db, owner: string) =>
  db
    .selectFrom('dci_sender')
    .select([
      'sender_id as senderId',
      'application',
      'signature',
      'keys',
      'callbacks',
      'callback_service as callbackService',
    ])
    .where('owner', '=', owner);
type Stored = Awaited<ReturnType<ReturnType<typeof senders>['executeTakeFirstOrThrow']>>;
const senderOf = (row: Stored): Sender => ({ ...row, keys: row.keys as Key[] });

export const listSenders = async (db: Db, owner: string): Promise<Sender[]> =>
  (await senders(db, owner).orderBy('sender_id').execute()).map(senderOf);

export async function findSender(db: Db, owner: string, senderId: string): Promise<Sender | undefined> {
  const row = await senders(db, owner).where('sender_id', '=', senderId).executeTakeFirst();
  return row && senderOf(row);
}

export async function readSender(db: Db, owner: string, senderId: string): Promise<Sender> {
  const sender = await findSender(db, owner, senderId);
  if (!sender) throw notFound('Sender');
  return sender;
}

export const deleteSender = (db: Db, owner: string, senderId: string) =>
  db.deleteFrom('dci_sender').where('owner', '=', owner).where('sender_id', '=', senderId).execute();

/** Where a sender is called back: what is put before `/on-search` and the like. */
export type Target =
  | { readonly kind: 'url'; readonly base: string }
  | { readonly kind: 'service'; readonly service: string; readonly base: string };

const under = (url: URL, allowed: string): boolean => {
  const base = new URL(allowed);
  return (
    base.origin === url.origin &&
    (url.pathname === base.pathname || url.pathname.startsWith(base.pathname.replace(/\/?$/, '/')))
  );
};

/** Whether the owner still allows it. */
export const isAllowed = (sender: Sender, target: Target): boolean =>
  target.kind === 'service'
    ? sender.callbackService === target.service
    : sender.callbacks.some((allowed) => under(new URL(target.base), allowed));

/** `…/callback/on-search` and `…` both lead to a place where on-search is: beside it, or under `registry`. */
function baseOf(path: string): string {
  const named = /^(.*?)\/(?:(?:txn\/)?on-[a-z-]+|notify)\/?$/.exec(path);
  if (named) return named[1] as string;
  const bare = path.replace(/\/+$/, '');
  return bare.endsWith('/registry') ? bare : `${bare}/registry`;
}

/** Where the answer to a message goes. Nobody is called at an address its owner has not allowed (no request forgery). */
export function targetFor(sender: Sender, uri: string | undefined): Target {
  if (uri === undefined && sender.callbackService !== null)
    return { kind: 'service', service: sender.callbackService, base: '/registry' };
  const wanted = uri ?? sender.callbacks[0] ?? '';
  const fault = faultOfAddress(wanted);
  if (fault) throw refusal(400, 'err.sender_uri.invalid', `sender_uri ${fault}`);
  const url = new URL(wanted);
  const target: Target = { kind: 'url', base: `${url.origin}${baseOf(url.pathname)}` };
  if (!isAllowed(sender, target))
    throw refusal(400, 'err.sender_uri.invalid', 'sender_uri is not an address registered for this sender');
  return target;
}
