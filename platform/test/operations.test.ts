import { CallFailed, type Client, openApiDocument } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notes, notesBlock } from './fixtures/notes-block/notes.ts';

let node: TestNode;
let api: Client<typeof notes.operations>;
let url: string;

beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: notesBlock }] });
  api = node.client(notes, { as: 'TEST/GOV/MSP/reader' });
  url = await node.listen({ port: 0, all: 'notes' });
});
afterAll(() => node.stop());

const refusal = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

describe('an operation', () => {
  it('answers what it declares to the typed client', async () => {
    const written = await api.writeNote({ body: { text: 'first' } });
    expect(written.status).toBe(201);
    const read = await api.readNote({ params: { id: written.body.id } });
    expect(read.body).toEqual({ id: written.body.id, text: 'first' });
  });

  it('[CFR-SEC-6][CFR-DAT-5] refuses bad input naming each defect and changes nothing', async () => {
    const before = (await api.listNotes({ query: {} })).body.count;
    const failed = await refusal(api.writeNote({ body: { text: '', copies: 0, extra: true } as never }));
    expect(failed.status).toBe(400);
    expect(failed.problem?.errors).toEqual(
      expect.arrayContaining([
        { in: 'body', pointer: '/text', detail: expect.stringContaining('fewer than 1') },
        { in: 'body', pointer: '/copies', detail: expect.stringContaining('>= 1') },
        { in: 'body', pointer: '/extra', detail: 'is not known here' },
      ]),
    );
    expect((await api.listNotes({ query: {} })).body.count).toBe(before);
  });

  it('takes bodies literally and reads numbers from the query', async () => {
    expect((await refusal(api.writeNote({ body: { text: 5 } as never }))).status).toBe(400);
    expect((await api.listNotes({ query: { limit: 7 } })).body.limit).toBe(7);
    expect((await refusal(api.listNotes({ query: { limit: 'x' } as never }))).status).toBe(400);
  });

  it('refuses malformed ids, JSON, media types, encodings and sizes with their own status', async () => {
    expect((await refusal(api.readNote({ params: { id: "1' or 1=1" } }))).status).toBe(400);
    const direct = (body: string, type: string) =>
      node
        .server('notes')
        .inject({ method: 'POST', url: '/notes-v1/notes', payload: body, headers: { 'content-type': type } });
    expect((await direct('{', 'application/json')).statusCode).toBe(400);
    expect((await direct('<a/>', 'text/xml')).statusCode).toBe(415);
    expect((await direct('{"text":"ä"}', 'application/json; charset=latin1')).statusCode).toBe(415);
    expect(
      (await direct(JSON.stringify({ text: 'x'.repeat(2_000_000) }), 'application/json')).statusCode,
    ).toBe(413);
    expect((await direct('{"__proto__":{"text":"x"}}', 'application/json')).statusCode).toBe(400);
    expect((await refusal(api.readNote({ params: { id: 'a\0b' } }))).status).toBe(400);
    for (const body of ['{"text":"a\\u0000b"}', '{"text":"x","a\\u0000":1}'])
      expect((await direct(body, 'application/json')).statusCode).toBe(400);
    expect((await direct('{"text":"a\\\\u0000b"}', 'application/json')).statusCode).toBe(401);
  });

  it('[CFR-DAT-1] refuses text in another encoding than UTF-8', async () => {
    const answer = await fetch(`${url}/notes-v1/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=iso-8859-1' },
      body: '{"text":"x"}',
    });
    expect(answer.status).toBe(415);
    const arabic = await api.writeNote({ body: { text: 'مرحبا' } });
    expect((await api.readNote({ params: { id: arabic.body.id } })).body.text).toBe('مرحبا');
  });

  it('cannot answer an undeclared status or shape', async () => {
    expect((await refusal(api.misbehave({ params: { how: 'status' } }))).status).toBe(500);
    expect((await refusal(api.misbehave({ params: { how: 'shape' } }))).status).toBe(500);
    expect((await api.misbehave({ params: { how: 'well' } })).body.fine).toBe(true);
  });

  it('[CFR-SEC-16] reveals nothing of an internal failure, and leaves nothing half-done', async () => {
    const before = (await api.listNotes({ query: { limit: 100 } })).body.count;
    const failed = await refusal(api.writeNote({ body: { text: 'crash' } }));
    expect(failed.status).toBe(500);
    expect(JSON.stringify(failed.responseBody)).not.toMatch(/secret|table|stack|\.ts/);
    expect((await api.listNotes({ query: { limit: 100 } })).body.count).toBe(before);
  });

  it('[CFR-QUA-4] is in the published OpenAPI 3.1 document', async () => {
    const document = (await (await fetch(`${url}/notes-v1/openapi.json`)).json()) as Record<string, unknown>;
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument(notes, '/notes-v1'))));
    expect(document.openapi).toBe('3.1.0');
    const paths = document.paths as Record<
      string,
      Record<string, { operationId: string; responses: object }>
    >;
    expect(paths['/notes/{id}']?.get?.operationId).toBe('readNote');
    expect(Object.keys(paths['/notes']?.post?.responses ?? {})).toEqual(['201', 'default']);
  });
});

describe('who may call', () => {
  it('[CFR-SEC-3] every operation that is not public refuses a request without a verified caller', async () => {
    for (const operation of Object.values(notes.operations)) {
      const path = operation.path
        .replace('{id}', '018f4e3e-0000-7000-8000-000000000000')
        .replace('{how}', 'well');
      const answer = await fetch(`${url}/notes-v1${path}`, {
        method: operation.method,
        headers: { 'x-road-client': 'TEST/GOV/MSP/reader', 'x-govstack-caller': 'forged.token.here' },
      });
      expect(answer.status, operation.id).toBe(operation.access.caller === 'public' ? 200 : 401);
    }
  });

  it('[CFR-SEC-3] a person without the role is refused, one with it is served, an expired token is not', async () => {
    expect((await refusal(api.removeNotes({}))).status).toBe(401);
    expect(
      (await refusal(api.removeNotes({ personToken: await node.token({ id: 'p', roles: ['officer'] }) })))
        .status,
    ).toBe(403);
    const expired = await node.token({ id: 'p', roles: ['administrator'] }, '-1m');
    expect((await refusal(api.removeNotes({ personToken: expired }))).status).toBe(401);
    const token = await node.token({ id: 'p', roles: ['administrator'] });
    const tampered = `${token.slice(0, -6)}AAAAAA`;
    expect((await refusal(api.removeNotes({ personToken: tampered }))).status).toBe(401);
    expect((await api.removeNotes({ personToken: token })).status).toBe(204);
  });
});

describe('a repeated write', () => {
  it('[CFR-ARC-6] with the same key gets the first answer and changes nothing, also when sent at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => api.writeNote({ body: { text: 'once' }, idempotencyKey: 'k1' })),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    const other = await refusal(api.writeNote({ body: { text: 'other' }, idempotencyKey: 'k1' }));
    expect(other.status).toBe(422);
  });

  it('after a failure can be sent again', async () => {
    await refusal(api.writeNote({ body: { text: 'crash' }, idempotencyKey: 'k2' }));
    expect((await api.writeNote({ body: { text: 'fine now' }, idempotencyKey: 'k2' })).status).toBe(201);
  });
});
