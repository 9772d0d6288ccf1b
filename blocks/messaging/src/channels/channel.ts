import type { Content } from '../messages/vault.ts';

/** What became of one attempt. `temporary` is tried again within the day; `permanent` never. */
export type Attempt =
  | { readonly kind: 'delivered' | 'accepted'; readonly providerReference?: string }
  | { readonly kind: 'temporary' | 'permanent'; readonly code: string; readonly recipient?: boolean };

/** A way to reach people. The message id is the provider's idempotency reference. */
export interface Channel {
  send(id: string, content: Content): Promise<Attempt>;
  /** Asks for the fate of an accepted message; undefined: not known yet. */
  fate?(id: string, providerReference: string): Promise<Attempt | undefined>;
  close?(): void;
}
