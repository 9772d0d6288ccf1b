// What checks evidence without the mediator and its database.
export { ArchivesRefused, type VerifiedArchives, verifyArchives } from './archive/verify.ts';
export {
  ContainerRefused,
  type VerificationConfiguration,
  type VerifiedContainer,
  verifyContainer,
} from './containers/verify.ts';
