import { consent } from '@govstack/consent';
import { digitalRegistries } from '@govstack/digital-registries';
import { identity } from '@govstack/identity';
import { informationMediator } from '@govstack/information-mediator';
import { messaging } from '@govstack/messaging';
import { payments } from '@govstack/payments';
import type { AnyBlock } from '@govstack/platform';
import { registration } from '@govstack/registration';
import { workflow } from '@govstack/workflow';

/** The building blocks, in the order in which they come up. */
export const blocks: readonly AnyBlock[] = [
  informationMediator,
  identity,
  consent,
  digitalRegistries,
  workflow,
  registration,
  payments,
  messaging,
] as unknown as readonly AnyBlock[];

export function blockNamed(name: string | undefined): AnyBlock {
  const block = blocks.find((one) => one.name === name);
  if (!block)
    throw new Error(`unknown block ${name ?? ''}; there are ${blocks.map((one) => one.name).join(', ')}`);
  return block;
}
