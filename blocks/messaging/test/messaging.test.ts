import { CallFailed, type Client } from '@govstack/platform';
import { jsonResponse, startTestNode, type TestNode, type TestProvider } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { messagingApi, messagingReceipts } from '../src/api/operations.ts';
import { messaging } from '../src/block.ts';

const sender = 'TEST/GOV/MSP/cash-transfer';
const gateway = 'TEST/COM/TEL/sms-gateway';
const mails: ParsedMail[] = [];
const texts: { to: string; text: string; reference: string }[] = [];
let smtp: SMTPServer;
let node: TestNode;
let api: Client<typeof messagingApi.operations>;
let failures = 0;

const smsProvider: TestProvider = async (request) => {
  if (request.method === 'GET') return jsonResponse(200, { status: 'accepted' });
  const message = JSON.parse(String(request.body)) as (typeof texts)[number];
  if (message.to.startsWith('+99900')) return jsonResponse(422, { detail: 'no such number' });
  if (failures > 0) {
    failures -= 1;
    return jsonResponse(503, { detail: 'busy' });
  }
  if (!texts.some((known) => known.reference === message.reference)) texts.push(message);
  return jsonResponse(202, { id: `sms-${message.reference}` });
};

beforeAll(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (address, _session, done) =>
      done(
        address.address.startsWith('nobody')
          ? Object.assign(new Error('no such user'), { responseCode: 550 })
          : null,
      ),
    onData: (stream, _session, done) => {
      void simpleParser(stream).then((mail) => {
        mails.push(mail);
        done();
      });
    },
  });
  const port = await new Promise<number>((resolve) => {
    const server = smtp.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  node = await startTestNode({
    blocks: [
      {
        block: messaging,
        config: { smtpUrl: `smtp://127.0.0.1:${port}`, smsService: `${gateway}/sms-gateway-v1` },
      },
    ],
    providers: { [`${gateway}/sms-gateway-v1`]: smsProvider },
  });
  api = node.client(messagingApi, { as: sender });
  await api.putTemplate({
    params: { code: 'decision' },
    body: {
      email: {
        en: { subject: 'Your application {{reference}}', body: 'Dear {{name}}, approved.' },
        fr: { subject: 'Votre demande {{reference}}', body: 'Bonjour {{name}}, accordée.' },
        ar: { subject: 'طلبك {{reference}}', body: 'عزيزي {{name}}، تمت الموافقة.' },
      },
      sms: { en: { body: 'Approved: {{reference}}' } },
    },
  });
});
afterAll(async () => {
  await node.stop();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

const refusal = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};
const stateOf = async (id: string) => (await api.readMessage({ params: { id } })).body;
const until = (id: string, state: string) =>
  vi.waitFor(async () => expect((await stateOf(id)).state).toBe(state), { timeout: 30_000, interval: 50 });
const variables = { name: "Amina & Søn O'Neil", reference: 'AB-1' };

describe('e-mail', () => {
  it('[MSG-5.1.17][MSG-6.1.1-d][MSG-5.2.5] is accepted at once and arrives in the language of the recipient, byte for byte', async () => {
    const { id } = (
      await api.sendMessage({
        body: { channel: 'email', to: 'amina@mail.example', language: 'ar', template: 'decision', variables },
      })
    ).body;
    await until(id, 'delivered');
    const mail = mails.find((one) => one.messageId?.includes(id));
    expect(mail?.subject).toBe('طلبك AB-1');
    expect(mail?.text?.trim()).toBe(`عزيزي ${variables.name}، تمت الموافقة.`);
    expect((await stateOf(id)).history.map((event) => event.state)).toEqual(['queued', 'delivered']);
  });

  it('to an address that does not exist fails for good and says so', async () => {
    const { id } = (
      await api.sendMessage({
        body: { channel: 'email', to: 'nobody@mail.example', subject: 'x', body: 'y' },
      })
    ).body;
    await until(id, 'failed');
    expect((await stateOf(id)).reportedStatus).toBe('bounced');
  });
});

describe('SMS', () => {
  it('[MSG-5.1.24][MSG-5.1.24.1] stays queued through a busy gateway, is sent, and ends with the receipt', async () => {
    failures = 2;
    const { id } = (
      await api.sendMessage({
        body: { channel: 'sms', to: '+99912345678', language: 'fr', template: 'decision', variables },
      })
    ).body;
    await until(id, 'sent');
    expect(texts.filter((text) => text.reference === id)).toEqual([
      { to: '+99912345678', text: 'Approved: AB-1', reference: id },
    ]);
    const receipts = node.client(messagingReceipts, { as: gateway });
    await receipts.receiveReceipt({ body: { reference: id, status: 'delivered' } });
    await receipts.receiveReceipt({ body: { reference: id, status: 'failed' } });
    const status = await stateOf(id);
    expect(status.state).toBe('delivered');
    expect(status.history.map((event) => event.state)).toEqual([
      'queued',
      'errored',
      'errored',
      'sent',
      'delivered',
    ]);
  });

  it('a number the gateway refuses is not tried again', async () => {
    const { id } = (await api.sendMessage({ body: { channel: 'sms', to: '+99900000001', body: 'x' } })).body;
    await until(id, 'failed');
    expect((await stateOf(id)).history).toHaveLength(2);
  });

  it('receipts are believed from the gateway only', async () => {
    const { id } = (await api.sendMessage({ body: { channel: 'sms', to: '+99912345679', body: 'x' } })).body;
    await until(id, 'sent');
    const forged = node.client(messagingReceipts, { as: sender });
    expect(
      (await refusal(forged.receiveReceipt({ body: { reference: id, status: 'delivered' } }))).status,
    ).toBe(403);
    expect((await stateOf(id)).state).toBe('sent');
  });
});

describe('requests', () => {
  it('[MSG-6.1.2-b][MSG-5.1.26] that cannot be sent are refused with the place, and nothing is queued', async () => {
    const wrong: [object, string][] = [
      [{ channel: 'email', to: 'not an address', subject: 'x', body: 'y' }, '/to'],
      [{ channel: 'email', to: 'a@b.example\r\nBcc: c@d.example', subject: 'x', body: 'y' }, '/to'],
      [{ channel: 'email', to: 'a@b.example', subject: 'x\r\nBcc: c@d.example', body: 'y' }, '/subject'],
      [{ channel: 'sms', to: '0791234567', body: 'y' }, '/to'],
      [
        { channel: 'email', to: 'a@b.example', template: 'decision', variables: { name: 'A' } },
        '/variables/reference',
      ],
      [{ channel: 'email', to: 'a@b.example', template: 'unknown' }, '/template'],
      [{ channel: 'email', to: 'a@b.example', template: 'decision', subject: 'x', body: 'y' }, '/template'],
      [{ channel: 'sms', to: '+99912345678', body: 'y', notBefore: '2020-01-01T00:00:00Z' }, '/notBefore'],
    ];
    const count = async () =>
      (await sql<{ n: string }>`select count(*) as n from message`.execute(node.database('messaging')))
        .rows[0]?.n;
    const before = await count();
    for (const [body, pointer] of wrong) {
      const failed = await refusal(api.sendMessage({ body: body as never }));
      expect(failed.status, pointer).toBe(422);
      expect(failed.problem?.errors?.[0]?.pointer).toBe(pointer);
    }
    expect((await refusal(api.sendMessage({ body: { channel: 'pigeon', to: 'x' } as never }))).status).toBe(
      400,
    );
    expect(await count()).toBe(before);
  });

  it('[MSG-6.1.2-a] repeated with the same key are one message', async () => {
    const body = { channel: 'email' as const, to: 'once@mail.example', subject: 's', body: 'b' };
    const ids = await Promise.all(
      Array.from({ length: 8 }, async () => (await api.sendMessage({ body, idempotencyKey: 'one' })).body.id),
    );
    expect(new Set(ids).size).toBe(1);
    await until(ids[0] as string, 'delivered');
    expect(mails.filter((mail) => mail.messageId?.includes(ids[0] as string))).toHaveLength(1);
  });

  it('[MSG-6.2.2-b] in a batch each get their own state; faulty ones are named, the others go', async () => {
    const good = { channel: 'email', to: 'batch@mail.example', subject: 's', body: 'b' };
    const { accepted, refused } = (
      await api.sendBatch({ body: { messages: [good, { ...good, to: 'x' }, { channel: 'sms' }, good] } })
    ).body;
    expect(accepted).toHaveLength(2);
    expect(refused.map((one) => one.index)).toEqual([1, 2]);
    for (const one of accepted) await until(one.id, 'delivered');
  });

  it('of one sender are not seen by another', async () => {
    const { id } = (
      await api.sendMessage({
        body: { channel: 'email', to: 'mine@mail.example', subject: 's', body: 'b', reference: 'file-9' },
      })
    ).body;
    const other = node.client(messagingApi, { as: 'TEST/GOV/TAX/app' });
    expect((await refusal(other.readMessage({ params: { id } }))).status).toBe(404);
    expect((await other.listMessages({ query: { reference: 'file-9' } })).body.messages).toEqual([]);
    expect((await api.listMessages({ query: { reference: 'file-9' } })).body.messages[0]).toMatchObject({
      subject: 's',
      body: 'b',
    });
  });

  it('templates may hold values, not logic', async () => {
    const body = { sms: { en: { body: '{{#each}}x{{/each}}' } } };
    expect((await refusal(api.putTemplate({ params: { code: 'bad' }, body }))).status).toBe(400);
    const again = await api.putTemplate({ params: { code: 'plain' }, body: { sms: { en: { body: 'Hi' } } } });
    const same = await api.putTemplate({ params: { code: 'plain' }, body: { sms: { en: { body: 'Hi' } } } });
    expect(same.body.version).toBe(again.body.version);
  });
});

describe('what is kept', () => {
  it('[MSG-5.1.8-a][MSG-5.1.9] contact and text are readable nowhere in the database, and are gone when the key is', async () => {
    const { id } = (
      await api.sendMessage({
        body: {
          channel: 'email',
          to: 'secret@mail.example',
          subject: 'Top',
          body: 'Hidden words',
          reference: 'file-10',
        },
      })
    ).body;
    await until(id, 'delivered');
    const database = node.database('messaging');
    const { rows } = await sql<{
      text: string;
    }>`select m::text || k::text as text from message m join message_key k on k.message_id = m.id where m.id = ${id}`.execute(
      database,
    );
    expect(rows[0]?.text).not.toMatch(/secret@|Hidden/);
    const raw = await sql<{ sealed: Buffer }>`select sealed from message where id = ${id}`.execute(database);
    expect(raw.rows[0]?.sealed.toString('latin1')).not.toMatch(/secret@|Hidden/);
    await sql`delete from message_key where message_id = ${id}`.execute(database);
    const [listed] = (await api.listMessages({ query: { reference: 'file-10' } })).body.messages;
    expect(listed).toMatchObject({ id, state: 'delivered' });
    expect(listed).not.toHaveProperty('body');
  });

  it('[MSG-5.1.1-a] messages and events are append-only', async () => {
    const database = node.database('messaging');
    await expect(sql`update message_event set state = 'delivered'`.execute(database)).rejects.toThrow(
      'append-only',
    );
    await expect(sql`delete from message`.execute(database)).rejects.toThrow('append-only');
  });
});
