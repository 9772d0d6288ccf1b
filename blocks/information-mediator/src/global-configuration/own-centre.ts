import type { Logger } from 'pino';
import type { Centre } from '../centre/centre.ts';
import type { GlobalConfiguration, InstanceConfiguration } from './configuration.ts';
import type { Received } from './from-anchor.ts';
import { type Held, holdConfigurations } from './held.ts';

/** Changes of the centre's own database are taken over this often, in milliseconds. */
const lookMs = 1000;

/**
 * The configuration of a mediator that is its own centre: straight from its database, never outdated. Those of partner
 * instances are received from theirs.
 */
export async function openOwnCentre(
  centre: Centre,
  server: string | undefined,
  directoryVersion: () => string,
  partners: Received,
  log: Logger,
): Promise<GlobalConfiguration> {
  let configuration: InstanceConfiguration = await centre.current();
  let held: Held = holdConfigurations([configuration]);
  let seen = directoryVersion();
  const refresh = async (): Promise<void> => {
    seen = directoryVersion();
    configuration = await centre.current();
    held = holdConfigurations([configuration]);
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    if (directoryVersion() === seen) return;
    looking = looking.then(refresh).catch((error: unknown) => {
      seen = '';
      log.warn({ err: error }, 'the configuration of the instance could not be renewed');
    });
  }, lookMs);
  timer.unref();
  return {
    server,
    of: (instance) => (instance === configuration.instance ? configuration : partners.of(instance)),
    outdated: () => false,
    serversOf: (application) =>
      application.startsWith(`${configuration.instance}/`)
        ? held.serversOf(application)
        : partners.serversOf(application),
    serverWith: (certificate) => held.serverWith(certificate) ?? partners.serverWith(certificate),
    async refresh() {
      await refresh();
      // What a partner has to say must not hold up this instance.
      await partners.refresh().catch(() => undefined);
    },
    async close() {
      clearInterval(timer);
      await looking;
      await partners.close();
    },
  };
}
