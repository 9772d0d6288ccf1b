export * from './lumora/account-number.ts';
export * from './lumora/directory.ts';
export * from './lumora/geography.ts';
export * from './lumora/government-accounts.ts';
export { isNationalNumber, nationalNumberPattern } from './lumora/national-number.ts';
export * from './lumora/republic.ts';
export { type Language, languages, type Text } from './lumora/text.ts';
export type { BillFaults } from './parties/bills/faults.ts';
export {
  type Parties,
  type PartiesOptions,
  type Party,
  type PartyName,
  partyApplications,
  startParties,
} from './parties/index.ts';
export type { MailFaults } from './parties/mail/faults.ts';
export type { RailFaults } from './parties/rail/faults.ts';
export type { SmsFaults } from './parties/sms/faults.ts';
export { type HouseholdRow, householdColumns, toRow } from './population/csv-columns.ts';
export { defaultSeed, generateHouseholds, type PopulationOptions } from './population/generate.ts';
export type * from './population/household.ts';
export {
  type CsvLine,
  type RowError,
  readHouseholdsCsv,
  UnreadableCsv,
  writeHouseholdsCsv,
} from './population/households-csv.ts';
export { povertyThreshold, proxyMeansScore, scorecard } from './population/proxy-means.ts';
