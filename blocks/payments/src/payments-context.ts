import type { BlockContext } from '@govstack/platform';
import type { PaymentsConfig } from './config.ts';
import type { CurrencyTable } from './money/currency.ts';
import type { Rail, RailAdapter } from './rails/port.ts';
import type { PaymentMetrics } from './reporting/metrics.ts';
import type { Db } from './tables.ts';
import type { KeyProvider } from './vault/key-provider.ts';
import type { Vault } from './vault/vault.ts';

/** What the capabilities of this block share. */
export interface Payments {
  readonly ctx: BlockContext<PaymentsConfig>;
  readonly config: PaymentsConfig;
  readonly db: Db;
  readonly vault: Vault;
  /** Where the vault's keys come from. */
  readonly keys: KeyProvider;
  readonly metrics: PaymentMetrics;
  /** Wraps the keys of voucher numbers; nothing else is sealed with it. */
  readonly keyVault: Vault;
  /** The adapter through which a voucher is paid out. */
  readonly payoutAdapter: (rail: Rail) => RailAdapter;
  readonly currencies: CurrencyTable;
  /** Member that administers payments. */
  readonly treasury: string;
  /** Tells the workers of this process that there is something to do. */
  wake(): void;
}
