export { checkBoundaries, runBoundaries } from './boundaries.ts';
export { runRequirements } from './requirements.ts';
export { runTests } from './test-command.ts';
