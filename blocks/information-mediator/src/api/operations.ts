export { mediatorAdmin } from './admin/operations.ts';
export { mediatorCentre } from './centre/operations.ts';
export { mediatorConfig } from './configuration/operations.ts';
export { mediatorKeys } from './keys/operations.ts';
export { mediatorLog } from './message-log/operations.ts';
export { mediatorMonitoring } from './monitoring/operations.ts';
export { mediatorRegistration } from './registration/operations.ts';
export { mediatorRooms } from './rooms/administration-operations.ts';
export { roomApi, roomPub, roomPull } from './rooms/operations.ts';
