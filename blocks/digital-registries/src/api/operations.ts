export { registryData } from './data/operations.ts';
export { registryDatabase } from './database/operations.ts';
export { recordCreated, recordDeleted, recordUpdated } from './events.ts';
