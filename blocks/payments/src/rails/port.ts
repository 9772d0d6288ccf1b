import type { Mediation, TSchema } from '@govstack/platform';
import type { Selectable } from 'kysely';
import type { CurrencyTable } from '../money/currency.ts';
import type { Db, PaymentsTables } from '../tables.ts';
import type { Vault } from '../vault/vault.ts';

export type Rail = Selectable<PaymentsTables['rail']>;

export interface RailTransfer {
  /** Our id of the instruction: the rail credits it once however often it is sent. */
  readonly reference: string;
  readonly address: string;
  readonly institution: string | undefined;
  /** Decimal text. */
  readonly amount: string;
  readonly narration: string | undefined;
}

/**
 * What a rail says about a transfer. `busy`: refused for now, not executed. `not-received`: it knows nothing of it.
 * `unknown`: nobody can tell now; it may or may not have been executed.
 */
export type Outcome = 'succeeded' | 'failed' | 'pending' | 'busy' | 'not-received' | 'unknown' | 'returned';

export interface RailResult {
  readonly reference: string;
  readonly outcome: Outcome;
  readonly railReference?: string;
  readonly reasonCode?: string;
}

export interface RailSubmission {
  readonly subBatchId: string;
  readonly debtorAccount: string;
  readonly currency: string;
  readonly transfers: readonly RailTransfer[];
}

export interface RailCheck {
  readonly batchId: string;
  readonly currency: string;
  readonly accounts: readonly Omit<RailTransfer, 'narration'>[];
}

export interface RailContext {
  readonly mediation: Mediation;
  readonly rail: Rail;
  /** Application whose surfaces take what the rail reports. */
  readonly application: string;
  readonly timeoutMs: number;
  /** For adapters that keep what they send, sealed. */
  readonly db: Db;
  readonly vault: Vault;
  readonly currencies: CurrencyTable;
  readonly now: () => Date;
}

/**
 * A payer rail, whatever it is behind its service id. An adapter is a folder beside this file. It throws what the
 * mediated call throws; `refusal.ts` reads from that whether the transfers may have been executed.
 */
export interface RailAdapter {
  /** Most transfers it takes in one call. */
  readonly largestBatch: number;
  /** Institutions report results themselves: there is nobody to ask. */
  readonly byHand?: true;
  /** Payees get vouchers of the programme in place of money: nothing is sent anywhere. */
  readonly givesVouchers?: true;
  /** What it must be told about a rail beside where it is (`settings` of putRail); nothing when absent. */
  readonly settings?: TSchema;
  /** Seconds after which silence is worth a person's look, when the rail has none of its own (default: configuration). */
  readonly answerWithinSeconds?: number;
  /** Whether its notices can carry a signature of the rail's key. */
  readonly signedNotices: boolean;
  /** How many calls, one after the other, sending so many transfers takes at most; one when absent. */
  readonly callsInTurn?: (transfers: number, concurrency: number) => number;
  /** Sends transfers. A transfer without a result in the answer counts as unknown. */
  submit(context: RailContext, submission: RailSubmission): Promise<RailResult[]>;
  /** What became of transfers sent before. */
  status(context: RailContext, references: readonly string[]): Promise<RailResult[]>;
  /** Reasons why accounts cannot be credited, by reference; an account without one is fine. */
  validate(context: RailContext, check: RailCheck): Promise<Map<string, string>>;
  /** Whether the payer's account covers a run. Only rails of payer banks have it. */
  authorise?(
    context: RailContext,
    run: {
      readonly batchId: string;
      readonly payerAccount: string;
      readonly currency: string;
      readonly amount: string;
    },
  ): Promise<{ readonly authorised: boolean; readonly reason?: string }>;
}
