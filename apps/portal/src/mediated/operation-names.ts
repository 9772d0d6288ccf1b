import { consentApi } from '@govstack/consent/api';
import {
  dciApi,
  fhirApi,
  registryAutomation,
  registryData,
  registryDatabase,
  registryEventsSurface,
  registryInsight,
  registryMappings,
  registryRights,
  registryServices,
  registrySharing,
  registryTransfer,
  registryViews,
} from '@govstack/digital-registries/api';
import { clientManagement, enrolment } from '@govstack/identity/api';
import { mediatorAdmin, mediatorLog } from '@govstack/information-mediator/api';
import { messagingApi, messagingReceipts } from '@govstack/messaging/api';
import { g2p, gsmaCallback, paymentsAdmin, railCallback, railFiles } from '@govstack/payments/api';
import type { OperationSpec } from '@govstack/platform/operation';
import { registrationApi } from '@govstack/registration/api';
import { workflowApi } from '@govstack/workflow/api';

interface Published {
  readonly name: string;
  readonly operations: Readonly<Record<string, OperationSpec>>;
}

const surfaces: readonly Published[] = [
  registrationApi,
  consentApi,
  registryData,
  registryDatabase,
  registryAutomation,
  registryEventsSurface,
  registryInsight,
  registryMappings,
  registryRights,
  registryServices,
  registrySharing,
  registryTransfer,
  registryViews,
  dciApi,
  fhirApi,
  messagingApi,
  messagingReceipts,
  mediatorLog,
  workflowApi,
  clientManagement,
  enrolment,
  paymentsAdmin,
  g2p,
  railCallback,
  gsmaCallback,
  railFiles,
  mediatorAdmin,
];

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly id: string;
}

const routes = new Map<string, readonly Route[]>(
  surfaces.map((surface) => [
    surface.name,
    Object.values(surface.operations).map(({ id, method, path }) => ({
      id,
      method,
      pattern: new RegExp(
        `^${path
          .replaceAll(/[.$]/g, '\\$&')
          .replaceAll(/\{[^}]+\}/g, '[^/]+')
          .replace(/\/$/, '')}/?$`,
      ),
    })),
  ]),
);

/** Name of the operation behind a method and path of a service; method and path themselves when it is not known here. */
export function operationName(serviceCode: string, method: string, path: string): string {
  // The mediator's own services (getOpenAPI, listMethods) are one operation each.
  if (path === '/') return serviceCode;
  const found = routes.get(serviceCode)?.find((one) => one.method === method && one.pattern.test(path));
  return found?.id ?? `${method} ${path}`;
}
