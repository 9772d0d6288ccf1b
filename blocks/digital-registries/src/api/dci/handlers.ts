import {
  applicationOf,
  type Caller,
  type ImplementedSurface,
  implement,
  newId,
  transaction,
} from '@govstack/platform';
import type { Access, Surface } from '@govstack/platform/operation';
import type { Transaction } from 'kysely';
import { type Conversation, type Dci, envelope, faultOfHeader, version } from '../../dci/dci.ts';
import { aboutOf, deliveryJob, requestPurpose, statusMessage, type Waiting } from '../../dci/deliver.ts';
import { detailsOf, isSo } from '../../dci/questions.ts';
import { refusal } from '../../dci/refusal.ts';
import { Rejected } from '../../dci/rejected.ts';
import { searchAll } from '../../dci/search.ts';
import { findSender, type Target, targetFor } from '../../dci/senders.ts';
import { verifySignature } from '../../dci/signature.ts';
import { subscribe, unsubscribe } from '../../dci/subscriptions.ts';
import { type Outcome, outcomeOf, recordMessage } from '../../dci/transactions.ts';
import { readMapping } from '../../mapping/store.ts';
import type { RegistryTables } from '../../tables.ts';
import type { dciOperations } from './operations.ts';
import type { CallbackHeader, Encrypted, Header, Question } from './shapes.ts';

type Trx = Transaction<RegistryTables>;
type DciSurface = Surface<ReturnType<typeof dciOperations<Access>>>;

interface Asked<M> {
  readonly params: { readonly mapping: string };
  readonly headers: { readonly authorization?: string };
  readonly caller: Caller | undefined;
  readonly body: {
    readonly signature?: string;
    readonly header: Header;
    readonly message: M | Encrypted;
  };
}

/** Who calls, for whatever stands in front of the surface. */
export type CallerOf = (input: Pick<Asked<object>, 'caller' | 'headers'>) => Caller;

/** The surface of DCI: is the message whole and its sender's, then one call of the adapter. */
export function serveDci(dci: Dci, surface: DciSurface, callerOf: CallerOf): ImplementedSurface {
  /** Takes a message: addressed to a registry here, in this version, by a registered sender, unchanged. */
  async function receive<M extends object>(
    asked: Asked<M>,
  ): Promise<{ readonly conversation: Conversation; readonly message: M }> {
    const caller = callerOf(asked);
    const owner = applicationOf(caller.service);
    const { header, message, signature } = asked.body;
    if (header.version !== undefined && header.version !== version)
      throw refusal(400, 'err.version.not_supported', `This registry speaks version ${version}`);
    if (header.is_msg_encrypted === true || 'ciphertext' in message)
      throw refusal(400, 'err.encryption.invalid', 'Messages are not encrypted here: the way they come is');
    const mapping = await readMapping(dci.db, owner, asked.params.mapping);
    const sender = await findSender(dci.db, owner, header.sender_id);
    if (!sender || sender.application !== caller.application)
      throw refusal(403, 'err.sender_id.invalid', 'The sender is not registered for the calling application');
    if (
      mapping.receiverId !== undefined &&
      header.receiver_id !== undefined &&
      header.receiver_id !== mapping.receiverId
    )
      throw refusal(400, 'err.receiver_id.invalid', `This is ${mapping.receiverId}`);
    const demanded = sender.signature === 'demanded' && mapping.signature !== 'caller';
    verifySignature({ signature, header, message }, sender.keys, demanded, dci.now());
    return {
      conversation: { owner, mappingName: asked.params.mapping, mapping, sender, caller },
      message,
    };
  }

  /** Answers at once. What header and message id say is wrong is said in the header of the answer. */
  async function now<M extends { transaction_id: string }, A extends object>(
    asked: Asked<M>,
    rules: { readonly action: string; readonly answers: string; readonly items?: (message: M) => number },
    work: (
      conversation: Conversation,
      message: M,
    ) => Promise<{ readonly body: A; readonly outcomes: readonly Outcome[] }>,
    nothing: A | ((message: M) => A),
  ) {
    const { conversation, message } = await receive(asked);
    const { header } = asked.body;
    const id = newId();
    const reply = (body: A, about: Parameters<typeof envelope>[4]) => ({
      status: 200 as const,
      body: envelope(
        dci,
        conversation,
        rules.answers,
        { transaction_id: message.transaction_id, correlation_id: id, ...body },
        about,
      ),
    });
    const reject = (code: NonNullable<CallbackHeader['status_reason_code']>, why: string) =>
      reply(typeof nothing === 'function' ? nothing(message) : nothing, {
        status: 'rjct',
        status_reason_code: code,
        status_reason_message: why,
        total_count: header.total_count,
        completed_count: 0,
      });
    const fault = faultOfHeader(header, rules.action, rules.items?.(message), dci.now());
    if (fault) return reject(fault.code, fault.message);
    const { body, outcomes } = await work(conversation, message);
    const about = aboutOf(outcomes);
    const known = await recordMessage(dci.vault, dci.db, conversation, {
      id,
      header,
      message,
      state: about.status === 'rjct' ? 'rjct' : 'succ',
      outcomes,
    });
    return known ? reject('rjct.message_id.duplicate', 'The message came before') : reply(body, about);
  }

  /** Takes a message on, with its effect, and answers later. The same message again is taken on once. */
  async function later<M extends { transaction_id: string }>(
    asked: Asked<M>,
    rules: { readonly action: string; readonly items?: (message: M) => number },
    work: (
      trx: Trx,
      conversation: Conversation,
      message: M,
      id: string,
      target: Target,
    ) => Promise<{ readonly waiting: Waiting; readonly outcomes: readonly Outcome[] }>,
  ) {
    const { conversation, message } = await receive(asked);
    const { header } = asked.body;
    const fault = faultOfHeader(header, rules.action, rules.items?.(message), dci.now());
    if (fault) throw refusal(400, 'err.request.bad', `${fault.code}: ${fault.message}`);
    const target = targetFor(conversation.sender, header.sender_uri);
    const id = newId();
    const correlation = await transaction(dci.db, async (trx) => {
      const known = await recordMessage(dci.vault, trx, conversation, {
        id,
        header,
        message,
        state: 'rcvd',
        target,
      });
      if (known && !known.same)
        throw refusal(400, 'err.request.bad', 'rjct.message_id.duplicate: another message had this id');
      if (known) return known.id;
      const { waiting, outcomes } = await work(trx, conversation, message, id, target);
      await trx
        .updateTable('dci_transaction')
        .set({
          request: dci.vault.seal(waiting, requestPurpose(id)),
          outcomes: JSON.stringify(outcomes),
        })
        .where('id', '=', id)
        .execute();
      await dci.jobs.send(trx, deliveryJob, { id });
      return id;
    });
    return {
      status: 202 as const,
      body: {
        message: {
          ack_status: 'ACK' as const,
          timestamp: dci.now().toISOString(),
          correlation_id: correlation,
        },
      },
    };
  }

  const received = (items: readonly { readonly reference_id: string }[]): Outcome[] =>
    items.map(({ reference_id }) => ({ reference_id, timestamp: dci.now().toISOString(), status: 'rcvd' }));

  /** One question about one person; its transaction id is its reference. */
  async function answerOne<A>(
    reference_id: string,
    work: () => Promise<A>,
  ): Promise<{ readonly outcome: Outcome; readonly found: A | undefined }> {
    const about = { reference_id, timestamp: dci.now().toISOString() };
    try {
      const found = await work();
      return { outcome: { ...about, status: 'succ' }, found };
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      const { code, message } = error;
      return {
        outcome: { ...about, status: 'rjct', status_reason_code: code, status_reason_message: message },
        found: undefined,
      };
    }
  }

  const question = { action: 'search', answers: 'on-search' };
  const items = ({ search_request }: { readonly search_request: readonly unknown[] }) =>
    search_request.length;
  const yesOrNo = (yes: boolean): 'yes' | 'no' => (yes ? 'yes' : 'no');

  const disability = (
    asked: Asked<{ transaction_id: string; disabled_criteria: Question }>,
    which: 'details' | 'support',
  ) =>
    now(
      asked,
      question,
      async (conversation, { transaction_id, disabled_criteria }) => {
        const { outcome, found } = await answerOne(transaction_id, () =>
          detailsOf(dci, conversation, which, disabled_criteria),
        );
        return { body: { search_response: [{ ...outcome, ...found }] }, outcomes: [outcome] };
      },
      { search_response: [] },
    );

  return implement(surface, {
    searchNow: (asked) =>
      now(
        asked,
        { ...question, items },
        async (conversation, { search_request }) => {
          const results = await searchAll(dci, conversation, search_request);
          return { body: { search_response: results }, outcomes: results.map(outcomeOf) };
        },
        { search_response: [] },
      ),
    search: (asked) =>
      later(asked, { action: 'search', items }, async (_trx, _conversation, message) => ({
        waiting: { kind: 'search', message },
        outcomes: received(message.search_request),
      })),
    subscribe: (asked) =>
      later(
        asked,
        { action: 'subscribe', items: ({ subscribe_request }) => subscribe_request.length },
        async (trx, conversation, message, id, target) => {
          const results = await subscribe(dci, trx, conversation, target, message);
          const { transaction_id } = message;
          const outcomes = results.map(outcomeOf);
          return {
            waiting: {
              kind: 'subscribe',
              message: { transaction_id, correlation_id: id, subscribe_response: results },
              outcomes,
            },
            outcomes,
          };
        },
      ),
    unsubscribe: (asked) =>
      later(asked, { action: 'unsubscribe' }, async (trx, conversation, message, id) => {
        const { transaction_id, subscription_codes } = message;
        const result = await unsubscribe(dci, trx, conversation, subscription_codes);
        const timestamp = dci.now().toISOString();
        const outcomes = [outcomeOf({ reference_id: transaction_id, timestamp, ...result })];
        return {
          waiting: {
            kind: 'unsubscribe',
            message: { transaction_id, correlation_id: id, timestamp, ...result },
            outcomes,
          },
          outcomes,
        };
      }),
    txnStatus: (asked) =>
      later(asked, { action: 'txn-status' }, async (_trx, _conversation, message) => ({
        waiting: { kind: 'txn-status', message },
        outcomes: [],
      })),
    txnStatusNow: (asked) =>
      now(
        asked,
        { action: 'txn-status', answers: 'txn-on-status' },
        async (conversation, message) => {
          const { txnstatus_response } = await statusMessage(dci, conversation, message, newId());
          return { body: { txnstatus_response }, outcomes: [] };
        },
        ({ txnstatus_request: { txn_type }, transaction_id }) => ({
          txnstatus_response: {
            txn_type,
            txn_status: { transaction_id, correlation_id: '', search_response: [] },
          },
        }),
      ),
    enrolled: (asked) =>
      now(
        asked,
        question,
        async (conversation, { transaction_id, enrolled_criteria }) => {
          const { outcome, found } = await answerOne(transaction_id, () =>
            isSo(dci, conversation, 'enrolled', enrolled_criteria),
          );
          const one = { ...outcome, enrolled_status: yesOrNo(found === true) };
          return { body: { enrolled_response: [one] }, outcomes: [outcome] };
        },
        { enrolled_response: [] },
      ),
    disabled: (asked) =>
      now(
        asked,
        question,
        async (conversation, { transaction_id, disabled_criteria }) => {
          const { outcome, found } = await answerOne(transaction_id, () =>
            isSo(dci, conversation, 'disabled', disabled_criteria),
          );
          const one = { ...outcome, disabled_status: yesOrNo(found === true) };
          return { body: { disabled_response: [one] }, outcomes: [outcome] };
        },
        { disabled_response: [] },
      ),
    disabilityDetails: (asked) => disability(asked, 'details'),
    disabilitySupport: (asked) => disability(asked, 'support'),
    signingKeys: async ({ params, caller, headers }) => {
      const owner = applicationOf(callerOf({ caller, headers }).service);
      await readMapping(dci.db, owner, params.mapping);
      return { status: 200, body: { keys: [{ ...dci.signerOf(owner).publicKey }] } };
    },
  });
}
