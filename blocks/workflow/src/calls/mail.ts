import { AddressRefused, checkedAddress, type OutsidePlaces } from '@govstack/platform';
import nodemailer from 'nodemailer';
import type { Connection } from '../connections/connections.ts';
import type { Answer } from '../execution/event.ts';
import { isRecord, type Json } from '../feel/json.ts';
import { NotCallable } from './descriptions.ts';

const mostRecipients = 100;

const address = (value: Json, what: string): { name: ''; address: string } => {
  // Quotes, lists and comments have no place in it: what comes from a form names one recipient.
  if (typeof value !== 'string' || value.length > 254 || !/^[^\s@,;<>"()\\]+@[^\s@,;<>"()\\]+$/.test(value))
    throw new NotCallable(`${what} is not an address of mail`, false);
  return { name: '', address: value };
};

function addresses(value: Json | undefined, what: string) {
  if (value === undefined || value === null) return [];
  return [value].flat().map((one) => address(one as Json, what));
}

function text(value: Json | undefined, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new NotCallable(`${what} is not a text`, false);
  return value;
}

function contentOf(body: Json | undefined) {
  const parts = isRecord(body) ? body : {};
  const to = addresses(parts.to, 'to');
  const cc = addresses(parts.cc, 'cc');
  const bcc = addresses(parts.bcc, 'bcc');
  const replyTo = addresses(parts.replyTo, 'replyTo');
  const count = to.length + cc.length + bcc.length;
  if (to.length === 0 || count > mostRecipients)
    throw new NotCallable(`mail has 1 to ${mostRecipients} recipients, not ${count}`, false);
  const subject = text(parts.subject, 'subject') ?? '';
  if (/[\r\n]/.test(subject)) throw new NotCallable('the subject has more than one line', false);
  const [plain, html] = [text(parts.text, 'text'), text(parts.html, 'html')];
  if (replyTo.length > mostRecipients)
    throw new NotCallable(`answers go to at most ${mostRecipients} addresses`, false);
  return {
    to,
    cc,
    bcc,
    replyTo,
    subject,
    text: plain ?? (html === undefined ? '' : undefined),
    ...(html === undefined ? {} : { html }),
  };
}

interface SmtpError {
  readonly responseCode?: number;
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });

/**
 * Sends mail. The message has the same Message-ID on every attempt, by which a second copy is recognised. The answer is
 * the reply of the server: 250, or why not; 4yz may be better later. Throws `NotCallable`, or what the network says.
 */
export async function sendMail(
  connection: Connection,
  body: Json | undefined,
  key: string,
  places: OutsidePlaces,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const { settings, secret } = connection;
  if (settings.kind !== 'smtp')
    throw new NotCallable(`the connection ${connection.name} is not for mail`, false);
  const content = contentOf(body);
  const host = await checkedAddress(settings.host, places).catch((error: Error) => {
    if (error instanceof AddressRefused)
      throw new NotCallable(`the connection ${connection.name} leads to a place that is not allowed`, false);
    throw error;
  });
  const transport = nodemailer.createTransport({
    host,
    port: settings.port,
    secure: settings.tls === 'implicit',
    requireTLS: settings.tls === 'starttls',
    ignoreTLS: settings.tls === 'none',
    tls: { servername: settings.host },
    ...(settings.user === undefined ? {} : { auth: { user: settings.user, pass: secret ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([^>\s]+)/.exec(settings.from)?.[1] ?? 'localhost';
  const messageId = `<${key}@${domain}>`;
  try {
    const sending = transport.sendMail({
      ...content,
      from: settings.from,
      messageId,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    const sent = await Promise.race([sending, untilAborted(signal)]);
    const rejected = [...(sent.rejected as readonly string[])];
    return { status: 250, headers: {}, body: { messageId, rejected }, temporary: false };
  } catch (error) {
    const { responseCode } = error as SmtpError;
    if (responseCode === undefined) throw error;
    return { status: responseCode, headers: {}, body: null, temporary: responseCode < 500 };
  } finally {
    transport.close();
  }
}
