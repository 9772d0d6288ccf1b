export { installService, type ServiceBundle } from './install-service.ts';
