import type { Backend } from '../backend.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';
import { type RegisteredService, toSheet } from './sheet.ts';

/** Services by code, as the registration block publishes them. */
export interface Catalogue extends Pick<Backend, 'services' | 'service'> {
  all(): Promise<readonly RegisteredService[]>;
  byCode(code: string): Promise<RegisteredService>;
  byId(id: string): Promise<RegisteredService | undefined>;
}

export function createCatalogue({ registration }: Clients, names: Names): Catalogue {
  const all = async (): Promise<readonly RegisteredService[]> =>
    (await registration.listServices({})).body as readonly RegisteredService[];
  const byCode = async (code: string): Promise<RegisteredService> =>
    (await registration.readService({ params: { serviceId: code } })).body as RegisteredService;
  return {
    all,
    byCode,
    byId: async (id) => (await all()).find((service) => service.id === id),
    services: async () => (await all()).map((service) => toSheet(service, names)),
    service: async (code) => toSheet(await byCode(code), names),
  };
}
