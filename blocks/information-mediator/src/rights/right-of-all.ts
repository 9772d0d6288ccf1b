/**
 * The right to a service of the mediator that every registered application may call, since it shows each only what it
 * took part in or asked for (IM-6.7-c, IM-6.2-b); undefined: there is none.
 */
export const rightOfAll = (service: string, own: string): string | undefined =>
  service === `${own}/mediator-monitoring-v1` || service === `${own}/mediator-registration-v1`
    ? 'open to every application'
    : undefined;
