export {
  type BlockServices,
  type InstalledService,
  type InstallOptions,
  installService,
} from './install-service.ts';
