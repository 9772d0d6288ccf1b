import { Problem } from '@govstack/platform';
import type { SignedInVisit } from '../site/visit.ts';
import type { RegistryClients } from './clients.ts';
import { frame, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import { transferIn } from './transfer-form.ts';

export type Transfer = ReturnType<RegistryClients['transfer']>;
export type Import = Awaited<ReturnType<Transfer['getImport']>>['body'];

export interface OpenedImport {
  readonly registry: OpenRegistry;
  readonly transfer: Transfer;
  readonly one: Import;
}

export const importFrame = (visit: SignedInVisit, registry: OpenRegistry) => ({
  ...frame(visit, registry, 'import'),
  back: `${registry.place.base}/imports`,
  archived: registry.archived,
});

/** An import of this registry, as the address says. */
export async function openImport(parts: RegistryParts, visit: SignedInVisit): Promise<OpenedImport> {
  const registry = await openRegistry(parts, visit);
  const transfer = parts.clients.transfer(registry.place.owner);
  const { body: one } = await transfer.getImport({ params: { importId: transferIn(visit) } });
  if (one.registry !== registry.place.code) throw new Problem(404, 'no such import');
  return { registry, transfer, one };
}
