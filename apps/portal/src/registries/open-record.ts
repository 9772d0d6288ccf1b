import type { SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { recordIn } from './record-addresses.ts';
import { openRegistry, type RegistryParts } from './shell.ts';

/** The record that an address names, in its registry, and how its data is asked for. */
export async function openRecord(parts: RegistryParts, visit: SignedInVisit) {
  const registry = await openRegistry(parts, visit);
  const id = recordIn(visit);
  const { place } = registry;
  return {
    registry,
    id,
    address: `${place.base}/records/${id}`,
    data: parts.clients.data(place.owner),
    params: { ...latest(place), id },
  };
}
