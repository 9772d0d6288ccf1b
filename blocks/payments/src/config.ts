import { type Static, Type } from '@govstack/platform';

/** Settings of the payments block. Times in seconds, amounts nowhere: limits belong to programmes and sources. */
export const PaymentsConfig = Type.Object({
  treasury: Type.String({
    default: '',
    description:
      'Member (INSTANCE/CLASS/MEMBER) that administers payments; the block’s own member when empty',
  }),
  workers: Type.Boolean({
    default: true,
    description: 'Whether this process validates, dispatches, asks for results and delivers callbacks',
  }),
  dispatchWorkers: Type.Integer({ default: 4, minimum: 1, maximum: 32 }),
  subBatchSize: Type.Integer({ default: 500, minimum: 1, maximum: 1000 }),
  maximumInstructions: Type.Integer({
    default: 100_000,
    minimum: 1,
    description: 'Largest batch; a larger submission is split into several',
  }),
  maximumSubmission: Type.Integer({
    default: 10_000_000,
    minimum: 1,
    description: 'Most instructions of one submission',
  }),
  maximumStaged: Type.Integer({
    default: 20_000_000,
    minimum: 1,
    description:
      'Instructions of all submissions that are not split yet; above it, new ones are asked to wait',
  }),
  validateAccounts: Type.Boolean({
    default: true,
    description: 'Ask the rails about each account before a run can be approved',
  }),
  validationValidSeconds: Type.Integer({ default: 86_400, minimum: 0 }),
  approverRole: Type.String({ default: 'payment-approver' }),
  approverAgencies: Type.Array(Type.Union([Type.Literal('treasury'), Type.Literal('programme')]), {
    default: ['treasury', 'programme'],
  }),
  duplicateWindowSeconds: Type.Integer({ default: 7 * 86_400, minimum: 0 }),
  stopAtFailureShare: Type.Number({ default: 0.5, minimum: 0, maximum: 1 }),
  stopAfterResults: Type.Integer({ default: 100, minimum: 1 }),
  railTimeoutSeconds: Type.Number({ default: 20, minimum: 0.05 }),
  statusAfterSeconds: Type.Number({ default: 10, minimum: 0.05 }),
  lostAfterSeconds: Type.Number({
    default: 30,
    minimum: 0.05,
    description:
      'When a sending without any answer, of a process that may have died, is asked about; never before it must be over',
  }),
  railFolder: Type.String({
    default: '',
    description:
      'Folder in which files are exchanged with rails of delivery `folder`: rail-ID/out, rail-ID/in; none when empty',
  }),
  railRestSeconds: Type.Number({
    default: 1,
    minimum: 0.02,
    description:
      'How long a rail that did not answer is left alone; doubled each time it is silent again, up to 30 times',
  }),
  resendAfterSeconds: Type.Number({ default: 2, minimum: 0.01 }),
  maximumSends: Type.Integer({ default: 8, minimum: 1 }),
  escalateAfterSeconds: Type.Number({ default: 3600, minimum: 0.05 }),
  leaseSeconds: Type.Number({ default: 60, minimum: 1 }),
  pollSeconds: Type.Number({ default: 0.5, minimum: 0.02 }),
  callbackDelaySeconds: Type.Number({ default: 5, minimum: 0.02 }),
  turnaroundSeconds: Type.Number({
    default: 300,
    minimum: 0.001,
    description:
      'How long a payment may take from its first sending to its completion; longer ones are shown',
  }),
  clockToleranceSeconds: Type.Number({
    default: 5,
    minimum: 0,
    description:
      'How far the clocks of this node and its database may be apart; beyond it the node is not ready',
  }),
  noticeOverdueSeconds: Type.Integer({ default: 3600, minimum: 1 }),
  disputeDays: Type.Integer({ default: 10, minimum: 0, description: 'Until when a dispute is to be closed' }),
  coolingOffDays: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Payments to accounts changed more recently wait for a person; 0: none do',
  }),
  sharedAccountPayees: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Payments to an account of more payees than this wait for a person; 0: none do',
  }),
  phoneCountry: Type.String({
    default: '',
    pattern: '^([A-Z]{2})?$',
    description: 'ISO 3166 code of the country whose national phone numbers are taken as wallets',
  }),
  keyDirectory: Type.String({
    default: '',
    description:
      'Folder in which a key service puts the vault’s keys; derived from the installation’s secret when empty',
  }),
  voucherAdministratorRole: Type.String({ default: 'voucher-administrator' }),
  keyCustodianRole: Type.String({
    default: 'voucher-key-custodian',
    description: 'Role of those who change the keys of voucher numbers and administer nothing else',
  }),
  voucherReservationSeconds: Type.Integer({
    default: 90 * 86_400,
    minimum: 1,
    description: 'How long a pre-activated voucher keeps its value set aside without being activated',
  }),
  voucherRetentionSeconds: Type.Integer({
    default: 365 * 86_400,
    minimum: 1,
    description: 'After this what a used, cancelled or expired voucher says of its payee is removed',
  }),
  voucherWrongNumbers: Type.Integer({
    default: 3,
    minimum: 1,
    description: 'Wrong secret numbers with a serial number until the voucher is blocked',
  }),
  voucherGuesses: Type.Integer({
    default: 20,
    minimum: 1,
    description: 'Wrong numbers that one merchant may present in a window before it has to wait',
  }),
  voucherPayeeGuesses: Type.Integer({
    default: 5,
    minimum: 1,
    description:
      'Wrong answers about one payee that a registry is asked about in a window before all have to wait',
  }),
  voucherGuessWindowSeconds: Type.Integer({ default: 3600, minimum: 1 }),
  redemptionWaitSeconds: Type.Number({
    default: 10,
    minimum: 0,
    description: 'How long a merchant waits at most for a rail that answers later',
  }),
  merchantRegistry: Type.String({
    default: '',
    description:
      'Service (INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE) asked about merchants that are not registered here',
  }),
  maximumStatementEntries: Type.Integer({ default: 200_000, minimum: 1 }),
  missingAtBankAfterDays: Type.Integer({
    default: 3,
    minimum: 0,
    description:
      'Days that a statement may reach beyond a payment without showing it, before somebody has to look',
  }),
  businessTimeZone: Type.String({
    default: 'UTC',
    description: 'IANA time zone in which a business day of settlement begins and ends',
  }),
  billQuoteSeconds: Type.Integer({
    default: 900,
    minimum: 1,
    description: 'How long the answer to a bill inquiry holds',
  }),
  adviceDelaySeconds: Type.Number({
    default: 5,
    minimum: 0.02,
    description: 'Until a payment is told to a silent biller again; doubles up to an hour',
  }),
  adviceEscalateAfterSeconds: Type.Number({ default: 86_400, minimum: 0.05 }),
  requestToPaySeconds: Type.Integer({ default: 3 * 86_400, minimum: 1 }),
  collectionPortals: Type.Array(Type.String(), {
    default: [],
    description: 'Applications through which people look up and pay their bills',
  }),
  lenientSuiteIds: Type.Boolean({
    default: false,
    description:
      'In the compliance profile: ids of up to 36 characters, as the reference cash-transfer client sends them',
  }),
  callbackTimeoutSeconds: Type.Number({ default: 15, minimum: 0.05, maximum: 120 }),
  callbackWorkers: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 32,
    description: 'Messages to sources under way at the same time; a quarter of them to one source at most',
  }),
  callbackNetworks: Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' }), {
    default: [],
    description: 'Private networks (CIDR) in which allowed callback addresses may lie',
  }),
  currencies: Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 4 }), {
    default: {},
    description: 'Currency codes outside ISO 4217 and their number of decimals',
  }),
});
export type PaymentsConfig = Static<typeof PaymentsConfig>;
