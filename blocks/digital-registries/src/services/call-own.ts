import { compileValidator, type ImplementedSurface, Problem } from '@govstack/platform';
import { registryData } from '../api/data/operations.ts';
import type { Service } from './services.ts';
import { standardServices } from './standard.ts';

type Answer = { readonly status: 200; readonly body: Record<string, unknown> };
type Handler = (input: object) => Promise<Answer>;

const validators = new Map(
  standardServices
    .filter(({ copied }) => copied)
    .map(({ operation }) => {
      const { body } = registryData.operations[operation] as { readonly body?: object };
      return [operation as string, compileValidator(body as never, 'body', false)];
    }),
);

/** Calls the standard service that an owner's own one works like, on a surface that goes no further than it does. */
export async function callOwn(
  service: Service,
  input: { readonly body: unknown },
  narrowed: (service: Service) => ImplementedSurface,
): Promise<Answer> {
  const { operation } = service.base;
  const errors = validators.get(operation)?.(input.body);
  if (errors) throw new Problem(400, 'The request is not valid', { errors });
  const handler = narrowed(service).handlers[operation] as Handler;
  const { status, body } = await handler(input);
  return { status, body };
}
