export { type Boundaries, checkBoundaries, runBoundaries } from './boundaries.ts';
export { checkLicences, type Licences, runLicences } from './licences.ts';
export { type Matrix, type Proof, type Row, readMatrix } from './requirement-matrix.ts';
export { runRequirements } from './requirements.ts';
export { checkSecrets, runSecrets, type Secrets } from './secrets.ts';
export { runTests } from './test-command.ts';
