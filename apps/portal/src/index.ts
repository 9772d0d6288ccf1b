export * from './backend.ts';

import { createPortal } from './block.ts';
import { mediatedBackend } from './mediated/backend.ts';

export { createPortal, type PortalOptions } from './block.ts';
export type { Answers, EForm, Field } from './forms/eform.ts';
export { parseEForm } from './forms/eform.ts';
export type { Language, Text } from './languages.ts';
export { mediatedBackend } from './mediated/backend.ts';
export { clientKey } from './sign-in/client-key.ts';
export { PortalSettings } from './site/settings.ts';

/** The portal over the building blocks. */
export const portal = createPortal({ backend: mediatedBackend });
