import { type BlockContext, type Caller, newId } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate, Reader } from '../access/access.ts';
import type { CallbackHeader, Header } from '../api/dci/shapes.ts';
import type { Mapping } from '../api/mappings/document.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import type { Vault } from './sealed.ts';
import type { Sender } from './senders.ts';
import type { Signer } from './signature.ts';

/** What the adapter stands on. */
export interface Dci {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly gate: Gate;
  readonly hash: SubjectHash;
  readonly vault: Vault;
  readonly signerOf: (owner: string) => Signer;
  readonly jobs: BlockContext['jobs'];
  readonly mediation: BlockContext['mediation'];
  readonly log: BlockContext['log'];
  readonly now: () => Date;
}

/** Messaging protocol specification this adapter speaks. */
export const version = '1.0.0';

/** Whose registry a message is about, and who asks. */
export interface Conversation {
  readonly owner: string;
  readonly mappingName: string;
  readonly mapping: Mapping;
  readonly sender: Sender;
  /** As which application records are read. */
  readonly caller: Caller;
}

export const readerOf = ({ caller }: Conversation, ground: Reader['ground']): Reader => ({
  caller,
  person: undefined,
  ground,
});

/** The envelope of an answer or a callback, signed by the owner of the registry. */
export function envelope<M extends object>(
  dci: Dci,
  { owner, mapping, sender }: Conversation,
  action: string,
  message: M,
  about: Pick<CallbackHeader, 'status' | 'total_count' | 'completed_count'> &
    Partial<Pick<CallbackHeader, 'status_reason_code' | 'status_reason_message' | 'message_id'>>,
): { signature: string; header: CallbackHeader; message: M } {
  const now = dci.now();
  const senderId = mapping.receiverId ?? owner;
  const header: CallbackHeader = {
    version,
    message_id: newId(),
    message_ts: now.toISOString(),
    action,
    sender_id: senderId,
    receiver_id: sender.senderId,
    is_msg_encrypted: false,
    ...about,
  };
  return { signature: dci.signerOf(owner).sign(senderId, header, message, now), header, message };
}

type HeaderFault = {
  readonly code: NonNullable<CallbackHeader['status_reason_code']>;
  readonly message: string;
};

const mostItems = 100;
/** Minutes by which a message may be ahead of our clock, and days by which it may be old. */
const aheadMs = 5 * 60_000;
const oldMs = 7 * 86_400_000;

/** What is wrong with the header of a message for this action; undefined: nothing. */
export function faultOfHeader(
  header: Header,
  action: string,
  items: number | undefined,
  now: Date,
): HeaderFault | undefined {
  if (header.action !== action) return { code: 'rjct.action.invalid', message: `action must be ${action}` };
  const sent = Date.parse(header.message_ts);
  if (sent > now.getTime() + aheadMs || sent < now.getTime() - oldMs)
    return { code: 'rjct.message_ts.invalid', message: 'message_ts is not about now' };
  if (items === undefined) return undefined;
  if (items > mostItems)
    return {
      code: 'rjct.total_count.limit_exceeded',
      message: `A message has at most ${mostItems} requests`,
    };
  if (header.total_count !== items)
    return {
      code: 'rjct.total_count.invalid',
      message: `total_count says ${header.total_count}, there are ${items}`,
    };
  return undefined;
}
