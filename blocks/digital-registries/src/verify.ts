// What checks changes of registries without the block and its database.
export { type CheckpointClaims, NotProven, readCheckpoints } from './history/checkpoint.ts';
export { type ProvenChange, type VerifiedChange, verifyProofs } from './history/verify-proofs.ts';
