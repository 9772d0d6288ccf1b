import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type ParsedMail, simpleParser } from 'mailparser';
import { openJournal, type Place } from '../durable/journal.ts';

interface MailRecord {
  readonly id: string;
  readonly at: string;
  readonly from: string;
  /** Addresses of the envelope. */
  readonly to: readonly string[];
  readonly subject: string;
  /** The message as it came, in base64. */
  readonly raw: string;
}

/** A message without its content. */
export type MailSummary = Omit<MailRecord, 'raw'>;

export interface Mail extends MailSummary {
  readonly messageId: string | undefined;
  readonly language: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly attachments: readonly {
    readonly filename: string | undefined;
    readonly contentType: string;
    readonly size: number;
  }[];
}

export interface Mailbox {
  /** Resolves when the message is on the disk. */
  keep(from: string, to: readonly string[], subject: string, raw: Buffer): Promise<MailSummary>;
  /** Newest first; `before` is the id of a message of the page before. */
  list(filter: { readonly to?: string; readonly before?: string; readonly limit: number }): MailSummary[];
  read(id: string): Promise<Mail | undefined>;
  close(): Promise<void>;
}

/** The messages that were received: their envelopes in memory, their contents on the disk. */
export async function openMailbox(folder: string | undefined): Promise<Mailbox> {
  const index = new Map<string, MailSummary & { readonly place: Place }>();
  const path = folder === undefined ? undefined : join(folder, 'mail.jsonl');
  const remember = ({ raw: _, ...summary }: MailRecord, place: Place): void => {
    index.set(summary.id, { ...summary, place });
  };
  const journal = await openJournal<MailRecord>(path, remember);
  return {
    async keep(from, to, subject, raw) {
      const record = {
        id: randomUUID(),
        at: new Date().toISOString(),
        from,
        to,
        subject,
        raw: raw.toString('base64'),
      };
      const place = journal.append(record);
      await journal.durable();
      remember(record, place);
      const { raw: _, ...summary } = record;
      return summary;
    },
    list({ to, before, limit }) {
      const wanted = to?.toLowerCase();
      const found: MailSummary[] = [];
      const all = [...index.values()].reverse();
      const start = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1;
      for (const { place: _, ...summary } of all.slice(start)) {
        if (wanted !== undefined && !summary.to.some((address) => address.toLowerCase() === wanted)) continue;
        found.push(summary);
        if (found.length === limit) break;
      }
      return found;
    },
    async read(id) {
      const entry = index.get(id);
      if (!entry) return undefined;
      const { raw, ...summary } = await journal.read(entry.place);
      return { ...summary, ...contentOf(await simpleParser(Buffer.from(raw, 'base64'))) };
    },
    close: journal.close,
  };
}

function contentOf(parsed: ParsedMail): Omit<Mail, keyof MailSummary> {
  const language = parsed.headers.get('content-language');
  return {
    messageId: parsed.messageId,
    language: typeof language === 'string' && /^[A-Za-z-]{2,20}$/.test(language) ? language : undefined,
    text: parsed.text,
    html: parsed.html === false ? undefined : parsed.html,
    attachments: parsed.attachments.map(({ filename, contentType, size }) => ({
      filename,
      contentType,
      size,
    })),
  };
}
