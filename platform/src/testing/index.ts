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
export { createTestDatabase, testAdminUrl } from './postgres.ts';
