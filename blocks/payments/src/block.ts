import { defineBlock, type JobSpec, memberOf } from '@govstack/platform';
import { seedG2pSuite } from './api/compliance/g2p-seed.ts';
import { suiteRail } from './api/compliance/vouchers-rail.ts';
import { seedVouchers, suiteRailId } from './api/compliance/vouchers-seed.ts';
import {
  batchAwaitingApproval,
  batchCompleted,
  disputeChanged,
  paymentReturned,
  returnReleased,
  voucherRedeemed,
  voucherReturned,
  voucherStockLow,
} from './api/operations.ts';
import { implementSuite, implementSurfaces, suites, surfaces } from './api/surfaces.ts';
import { assertClock } from './audit/clock.ts';
import { sealAudit } from './audit/seal.ts';
import { authoriseNext } from './batches/authorise.ts';
import { splitNext } from './batches/split.ts';
import { validateNext } from './batches/validate.ts';
import { adviseNext } from './bills/advise.ts';
import { askBillerNext } from './bills/ask-biller.ts';
import { tenderNext } from './bills/pay-by-voucher.ts';
import { createDelivery } from './callbacks/deliver.ts';
import { openCases } from './cases/cases.ts';
import { PaymentsConfig } from './config.ts';
import { askNext } from './dispatch/ask.ts';
import { createEngine } from './dispatch/engine.ts';
import { createRailTraffic } from './dispatch/rail-traffic.ts';
import { sendNext } from './dispatch/send.ts';
import { checkInvariants } from './ledger/invariants.ts';
import { sealTransfers } from './ledger/seal.ts';
import { currencyTable } from './money/currency.ts';
import type { Payments } from './payments-context.ts';
import { exchangeNext } from './rails/file/folder.ts';
import { adapterOf } from './rails/registry.ts';
import { reconcileAccounts, reconcileNext } from './reconciliation/reconcile.ts';
import { createPaymentMetrics } from './reporting/metrics.ts';
import { translateDue } from './reporting/translate.ts';
import { expireNext } from './requests-to-pay/expire.ts';
import { trackSettlements } from './settlement/figures.ts';
import { splitNextSubmission } from './submissions/split.ts';
import type { PaymentsTables } from './tables.ts';
import { folderKeys, installationKeys } from './vault/key-provider.ts';
import { loadKeys } from './vault/keys.ts';
import { resealing } from './vault/reseal.ts';
import { createVault } from './vault/vault.ts';
import { dueNext } from './vouchers/due.ts';
import { resealNext } from './vouchers/keys.ts';
import { redemptionNext } from './vouchers/send.ts';

/** Of the time between two checks of the books one may take so much. */
const shareOfTime = 1 / 20;

/**
 * Seals the books and checks them; a broken invariant is a case and an error in the log. The check reads them whole: when
 * it takes long, this process checks them less often (on demand it is always done).
 */
const bookkeeping = (payments: Payments, notBefore = { next: 0 }): JobSpec => ({
  name: 'bookkeeping',
  schedule: { cron: '*/5 * * * *', timeZone: 'UTC' },
  retryLimit: 0,
  async handle() {
    await sealTransfers(payments.db);
    await sealAudit(payments.db);
    await translateDue(payments);
    const began = performance.now();
    if (began < notBefore.next) return;
    const broken = (await checkInvariants(payments.db)).filter((result) => !result.holds);
    notBefore.next = began + (performance.now() - began) / shareOfTime;
    if (broken.length === 0) return;
    payments.ctx.log.error({ invariants: broken.map((result) => result.id) }, 'the books are not right');
    await openCases(
      payments.db,
      broken.map((result) => ({
        kind: 'invariant-broken' as const,
        key: `${result.id}/${payments.ctx.now().toISOString().slice(0, 10)}`,
        detail: `${result.id}: ${result.statement}: ${result.violations} violations`,
      })),
    );
  },
});

const keyWatchMs = 60_000;

/** Proves every funding account against its latest statement; what does not balance is a case. */
const dailyProof = (payments: Payments): JobSpec => ({
  name: 'reconciliation',
  schedule: { cron: '30 4 * * *', timeZone: payments.config.businessTimeZone },
  async handle() {
    await reconcileAccounts(payments);
    await trackSettlements(payments);
  },
});

/** The payments building block: account mapper, bulk payments, double-entry ledger, payer rails. */
export const payments = defineBlock({
  name: 'payments',
  title: 'Payments',
  version: '0.1.0',
  surfaces: [...surfaces, ...suites],
  config: PaymentsConfig,
  migrations: new URL('../migrations/', import.meta.url),
  emits: [
    batchAwaitingApproval,
    batchCompleted,
    voucherStockLow,
    voucherRedeemed,
    voucherReturned,
    disputeChanged,
    paymentReturned,
    returnReleased,
  ],
  async start(ctx) {
    const { config } = ctx;
    const db = ctx.database<PaymentsTables>();
    const keys = config.keyDirectory === '' ? installationKeys(ctx.secret) : folderKeys(config.keyDirectory);
    const vault = createVault(keys);
    await loadKeys(db, keys, vault);
    // Another process may have taken the next key into use.
    const keyWatch = setInterval(() => {
      loadKeys(db, keys, vault).catch((error: unknown) => {
        ctx.log.error({ err: error }, 'the keys of the vault cannot be read');
      });
    }, keyWatchMs).unref();
    const shared: Payments = {
      ctx,
      config,
      db,
      keys,
      vault,
      metrics: createPaymentMetrics(ctx.metrics, db, config),
      keyVault: createVault(installationKeys((purpose) => ctx.secret(`voucher-keys/${purpose}`))),
      payoutAdapter: (rail) =>
        ctx.profile === 'compliance' && rail.id === suiteRailId ? suiteRail : adapterOf(rail),
      currencies: currencyTable(config.currencies),
      treasury: config.treasury === '' ? memberOf(ctx.application) : config.treasury,
      wake: () => engine.wake(),
    };
    const delivery = createDelivery(shared);
    const traffic = createRailTraffic(shared.db, config.railRestSeconds);
    const engine = createEngine(
      [
        { name: 'split-submissions', lanes: 1, step: () => splitNextSubmission(shared) },
        { name: 'validate', lanes: 1, step: () => validateNext(shared) },
        { name: 'authorise', lanes: 1, step: () => authoriseNext(shared) },
        { name: 'split', lanes: 1, step: () => splitNext(shared) },
        { name: 'send', lanes: config.dispatchWorkers, step: () => sendNext(shared, traffic) },
        { name: 'rail-folder', lanes: 1, step: () => exchangeNext(shared) },
        { name: 'ask', lanes: 1, step: () => askNext(shared) },
        { name: 'redemptions', lanes: 2, step: () => redemptionNext(shared) },
        { name: 'vouchers-due', lanes: 1, step: () => dueNext(shared) },
        { name: 'voucher-keys', lanes: 1, step: () => resealNext(shared) },
        { name: 'reconcile', lanes: 1, step: () => reconcileNext(shared) },
        { name: 'inquire', lanes: 4, step: () => askBillerNext(shared) },
        { name: 'tender', lanes: 1, step: () => tenderNext(shared) },
        { name: 'advise', lanes: 4, step: () => adviseNext(shared) },
        { name: 'expire', lanes: 1, step: () => expireNext(shared) },
        { name: 'callbacks', lanes: config.callbackWorkers, step: () => delivery.next() },
      ],
      config.pollSeconds * 1000,
      ctx.log,
    );
    const suite = ctx.profile === 'compliance';
    if (suite) {
      await seedG2pSuite(shared);
      await seedVouchers(shared);
    }
    return {
      surfaces: [...(suite ? implementSuite(shared) : []), ...implementSurfaces(shared)],
      jobs: config.workers ? [bookkeeping(shared), resealing(shared), dailyProof(shared)] : [],
      health: () => assertClock(db, config.clockToleranceSeconds),
      ready: async () => {
        if (config.workers) engine.start();
      },
      stop: async () => {
        clearInterval(keyWatch);
        await engine.stop();
        await delivery.stop();
      },
    };
  },
});
