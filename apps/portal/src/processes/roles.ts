/** Who supervises processes of their agency, and repairs what is stuck. */
export const operatorRoles: readonly string[] = ['administrator'];

/** Who draws and deploys processes of their agency. */
export const designerRoles: readonly string[] = ['administrator', 'process-designer'];

/** Who only looks on: sees where each instance stands. */
const observerRoles: readonly string[] = ['programme-manager', 'auditor', 'process-observer'];

/** Who may open the cockpit of processes. What they see and may do there is decided by the workflow block. */
export const processRoles: readonly string[] = [
  ...new Set([...operatorRoles, ...designerRoles, ...observerRoles]),
];
