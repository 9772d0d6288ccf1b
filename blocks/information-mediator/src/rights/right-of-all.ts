/**
 * The right to a service of the mediator that every registered application may call, since it shows each only what it
 * took part in (IM-6.7-c); undefined: there is none.
 */
export const rightOfAll = (service: string, own: string): string | undefined =>
  service === `${own}/mediator-monitoring-v1` ? 'open to every application' : undefined;
