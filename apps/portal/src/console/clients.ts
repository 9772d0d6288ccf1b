import {
  mediatorAdmin,
  mediatorKeys,
  mediatorLog,
  mediatorMonitoring,
  mediatorRegistration,
} from '@govstack/information-mediator/api';
import type { Mediation } from '@govstack/platform';

/** Typed ways to the information mediator's own surfaces; `mediator` is its application. Called with the person's token. */
export function consoleClients(mediation: Mediation, mediator: string) {
  return {
    directory: mediation.client(mediatorAdmin, `${mediator}/${mediatorAdmin.name}`),
    log: mediation.client(mediatorLog, `${mediator}/${mediatorLog.name}`),
    monitoring: mediation.client(mediatorMonitoring, `${mediator}/${mediatorMonitoring.name}`),
    keys: mediation.client(mediatorKeys, `${mediator}/${mediatorKeys.name}`),
    registration: mediation.client(mediatorRegistration, `${mediator}/${mediatorRegistration.name}`),
    /** The description of a service, as the mediator gives it to any client; undefined when there is none. */
    async description(service: string): Promise<unknown> {
      const application = service.split('/').slice(0, 4).join('/');
      const code = service.split('/')[4] ?? '';
      const answer = await mediation.request({
        service: `${application}/getOpenAPI`,
        method: 'GET',
        path: `/?serviceCode=${encodeURIComponent(code)}`,
        headers: {},
      });
      return answer.status === 200 ? JSON.parse(answer.body.toString('utf8')) : undefined;
    },
  };
}

export type ConsoleClients = ReturnType<typeof consoleClients>;

/** All items of a paged list of the directory, at most `most`. */
export async function everyPage<T>(
  read: (
    pageToken: string | undefined,
  ) => Promise<{ readonly items: readonly T[]; readonly nextPageToken?: string }>,
  most = 5000,
): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined;
  do {
    const page = await read(token);
    items.push(...page.items);
    token = page.nextPageToken;
  } while (token !== undefined && items.length < most);
  return items;
}
