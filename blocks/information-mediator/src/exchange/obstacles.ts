import type { Refusal } from './errors.ts';

/** Why a server exchanges nothing now: an expired configuration, time stamps that stay away. */
export type Obstacle = 'outdatedConfiguration' | 'timestampingFailed';

/** What the consumer's server says. */
export const obstacleHere: Readonly<Record<Obstacle, Refusal>> = {
  outdatedConfiguration: {
    kind: 'outdatedConfiguration',
    message: 'The configuration of the instance has expired on this server',
  },
  timestampingFailed: {
    kind: 'timestampingFailed',
    message: 'Messages have waited for a time stamp for longer than is allowed',
  },
};

/** What the provider's server says. */
export const obstacleAtProvider: Readonly<Record<Obstacle, Refusal>> = {
  outdatedConfiguration: {
    kind: 'providerOutdatedConfiguration',
    message: 'The configuration of the instance has expired on the provider’s server',
  },
  timestampingFailed: {
    kind: 'providerTimestampingFailed',
    message: 'Messages have waited for a time stamp for longer than is allowed on the provider’s server',
  },
};
