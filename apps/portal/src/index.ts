export * from './backend.ts';
export { createPortal, type PortalOptions } from './block.ts';
export type { Answers, EForm, Field } from './forms/eform.ts';
export { parseEForm } from './forms/eform.ts';
export type { Language, Text } from './languages.ts';
export { clientKey } from './sign-in/client-key.ts';
export { PortalSettings } from './site/settings.ts';
