import {
  registryData,
  registryDatabase,
  registryInsight,
  registryRights,
  registryServices,
  registrySharing,
  registryTransfer,
} from '@govstack/digital-registries/api';
import type { Mediation } from '@govstack/platform';

/** Typed ways to the registries of an application, called with the person's token. */
export const registryClients = (mediation: Mediation) => ({
  data: (owner: string) => mediation.client(registryData, `${owner}/${registryData.name}`),
  database: (owner: string) => mediation.client(registryDatabase, `${owner}/${registryDatabase.name}`),
  transfer: (owner: string) => mediation.client(registryTransfer, `${owner}/${registryTransfer.name}`),
  insight: (owner: string) => mediation.client(registryInsight, `${owner}/${registryInsight.name}`),
  rights: (owner: string) => mediation.client(registryRights, `${owner}/${registryRights.name}`),
  services: (owner: string) => mediation.client(registryServices, `${owner}/${registryServices.name}`),
  sharing: (owner: string) => mediation.client(registrySharing, `${owner}/${registrySharing.name}`),
});

export type RegistryClients = ReturnType<typeof registryClients>;

/** In its newest version. */
export const latest = ({ code }: { readonly code: string }) => ({
  registryName: code,
  versionNumber: 'latest',
});
