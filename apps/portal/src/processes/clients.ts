import type { Mediation } from '@govstack/platform';
import { workflowAdmin, workflowApi } from '@govstack/workflow/api';

/** Typed ways to the surfaces of the workflow block, `workflow` being its application. Called with the person's token. */
export const processClients = (mediation: Mediation, workflow: string) => ({
  api: mediation.client(workflowApi, `${workflow}/${workflowApi.name}`),
  admin: mediation.client(workflowAdmin, `${workflow}/${workflowAdmin.name}`),
});

export type ProcessClients = ReturnType<typeof processClients>;
type Admin = ProcessClients['admin'];

export type Revision = Awaited<ReturnType<Admin['listAllProcesses']>>['body']['processes'][number];
