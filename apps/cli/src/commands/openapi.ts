import { openApiDocument } from '@govstack/platform';
import { blockNamed } from '../stack/blocks.ts';

/** `openapi <block>`: its published documents, by service code. */
export async function openapi(argv: readonly string[]): Promise<number> {
  const block = blockNamed(argv[0]);
  const documents = Object.fromEntries(
    block.surfaces
      .filter((surface) => !surface.compliance)
      .map((surface) => [surface.name, openApiDocument(surface, `/${surface.name}`)]),
  );
  process.stdout.write(`${JSON.stringify(documents, undefined, 2)}\n`);
  return 0;
}
