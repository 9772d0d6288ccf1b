export { type Connection, connect, mayBeTriedAgain, transaction } from './connect.ts';
export {
  AlreadyRunning,
  claimDataDirectory,
  type DataDirectory,
  dataDirectoryOwner,
} from './data-directory.ts';
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
export { type MigrateOptions, migrate } from './migrate.ts';
export { type BroughtColumn, brought, prepared } from './prepared.ts';
export { type ProvisionOptions, provisionDatabase } from './provision.ts';
