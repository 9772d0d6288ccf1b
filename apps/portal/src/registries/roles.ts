/** Who may open the registries of their agency. What they see and may do there is decided by the registries. */
export const registryRoles: readonly string[] = ['registry-analyst', 'registrar'];
/** Who may also design them. */
export const designerRoles: readonly string[] = ['registry-analyst'];
