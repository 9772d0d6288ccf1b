import type { Standing } from '../../lumora/account-number.ts';

/** What a payee's transfer became. `busy` was refused for now and not executed. */
export type TransferState = 'pending' | 'completed' | 'rejected' | 'busy' | 'returned';

/** An order as the caller gave it; amounts in minor units as text, so that it can stand in the journal. */
export interface Order {
  readonly reference: string;
  readonly batchId?: string;
  readonly debtor: string;
  readonly creditor: string;
  readonly institution?: string;
  readonly amount: string;
  readonly currency: string;
  readonly narration?: string;
  /** Service to which its result is to be told. */
  readonly service?: string;
}

/** Everything the book remembers is one of these, in the order of the journal. */
export type BookRecord =
  | { readonly type: 'funds'; readonly account: string; readonly currency: string; readonly holder: string }
  | {
      readonly type: 'deposit';
      readonly reference: string;
      readonly account: string;
      readonly amount: string;
      readonly at: string;
    }
  | { readonly type: 'payee'; readonly number: string; readonly standing: Standing; readonly holder?: string }
  | {
      readonly type: 'order';
      readonly order: Order;
      readonly fingerprint: string;
      readonly railReference: string;
      readonly at: string;
    }
  | {
      readonly type: 'outcome';
      readonly reference: string;
      readonly state: Exclude<TransferState, 'pending'>;
      readonly reasonCode?: string;
      readonly at: string;
    }
  | {
      readonly type: 'notice';
      readonly eventId: string;
      readonly service?: string;
      readonly results: readonly NoticeResult[];
    }
  | { readonly type: 'noticed'; readonly eventId: string };

/** One transfer in a notice. */
export interface NoticeResult {
  readonly reference: string;
  readonly status: 'completed' | 'failed' | 'busy' | 'returned';
  readonly railReference: string;
  readonly reasonCode?: string;
}
