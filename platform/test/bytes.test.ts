import { openApiDocument, workbookType } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notes, notesBlock } from './fixtures/notes-block/notes.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: notesBlock }] });
});
afterAll(() => node.stop());

const picture = Uint8Array.from({ length: 256 }, (_, index) => index);

describe('an operation that carries bytes', () => {
  it('takes and gives them as they are, under the media type of the answer', async () => {
    const { body, headers } = await node.client(notes).turnOver({ body: picture });
    expect(headers['content-type']).toBe('image/png');
    expect([...body]).toEqual([...picture].reverse());
  });

  it('refuses what is too large, what is something else, and nothing', async () => {
    const send = async (type: string | undefined, body?: Uint8Array | string) =>
      (
        await node.mediator.exchange({
          client: 'TEST/GOV/MSP/reader',
          service: 'TEST/GOV/BLOCKS/notes/notes-v1',
          method: 'POST',
          path: '/picture',
          headers: type === undefined ? {} : { 'content-type': type },
          ...(body === undefined ? {} : { body }),
        })
      ).status;
    expect(await send('application/octet-stream', new Uint8Array(2048))).toBe(200);
    expect(await send('application/octet-stream', new Uint8Array(2049))).toBe(413);
    expect(await send('application/json', '{}')).toBe(415);
    expect(await send('image/png', picture)).toBe(415);
    expect(await send(undefined)).toBe(400);
  });

  it('is described as binary', () => {
    const described = openApiDocument(notes) as {
      paths: Record<
        string,
        Record<string, { requestBody: { content: object }; responses: Record<string, object> }>
      >;
    };
    const operation = described.paths['/picture']?.post;
    const binary = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
    expect(operation?.requestBody.content).toEqual(binary);
    expect(operation?.responses['200']).toMatchObject({ content: binary });
  });
});

describe('an operation that takes and gives JSON or a workbook', () => {
  const client = () => node.client(notes);
  const asked = { headers: { accept: workbookType } };

  it('carries the workbook as it is, when it is sent and when it is asked for', async () => {
    expect((await client().bindNotes({ body: Buffer.from('a,b') })).body).toEqual({ pages: ['a,b'] });
    const bound = await client().bindNotes({ ...asked, body: { pages: ['a', 'b'] } });
    expect(bound.headers).toMatchObject({ 'content-type': workbookType, vary: 'Accept' });
    expect(Buffer.from(bound.body as unknown as Uint8Array).toString('utf8')).toBe('a,b');
    const described = openApiDocument(notes) as { paths: Record<string, Record<string, object>> };
    const binary = { [workbookType]: { schema: { type: 'string', format: 'binary' } } };
    expect(described.paths['/binding']?.put).toMatchObject({
      parameters: [],
      requestBody: { content: { 'application/json': { schema: { type: 'object' } }, ...binary } },
      responses: { 200: { content: binary } },
    });
  });

  it('checks JSON all the same, and takes no workbook that is too large', async () => {
    const status = (body: never) =>
      client()
        .bindNotes({ body })
        .then(
          (answer) => answer.status as number,
          (error: { readonly status: number }) => error.status,
        );
    expect(await status({ pages: [1] } as never)).toBe(400);
    expect(await status(new Uint8Array(2049) as never)).toBe(413);
  });
});
