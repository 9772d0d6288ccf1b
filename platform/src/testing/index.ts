export {
  jsonResponse,
  startTestNode,
  type TestNode,
  type TestNodeOptions,
  type TestPerson,
  type TestProvider,
  testApplication,
  testAudience,
  testIssuer,
} from './node.ts';
export {
  copyTestDatabase,
  createBlockDatabases,
  createTestDatabase,
  newDatabaseName,
  testAdminUrl,
} from './postgres.ts';
export { selfSigned } from './self-signed.ts';
