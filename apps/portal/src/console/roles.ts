/** Who may open the console. What they see and may do is decided by the mediator. */
export const consoleRoles: readonly string[] = ['administrator', 'auditor'];
