import nodemailer from 'nodemailer';
import type { Channel } from './channel.ts';

export interface SmtpSettings {
  /** smtp://host:port or smtps://user:password@host:port */
  readonly url: string;
  readonly from: string;
}

interface SmtpError {
  readonly responseCode?: number;
  readonly code?: string;
}

/** E-mail by SMTP. Acceptance by the server counts as delivered; bounces are not read back. */
export function emailChannel(settings: SmtpSettings): Channel {
  const transport = nodemailer.createTransport({
    url: settings.url,
    pool: true,
    maxConnections: 5,
    connectionTimeout: 10_000,
    socketTimeout: 30_000,
  } as never);
  const domain = settings.from.split('@')[1]?.replace(/[>\s]/g, '') ?? 'localhost';
  return {
    async send(id, content) {
      try {
        await transport.sendMail({
          from: settings.from,
          to: { name: '', address: content.to },
          subject: content.subject ?? '',
          text: content.body,
          // The same id on every attempt: a second copy can be recognised.
          messageId: `<${id}@${domain}>`,
          headers: { 'Content-Language': content.language, 'Auto-Submitted': 'auto-generated' },
        });
        return { kind: 'delivered' };
      } catch (error) {
        const { responseCode, code } = error as SmtpError;
        const permanent = responseCode !== undefined && responseCode >= 500;
        return {
          kind: permanent ? 'permanent' : 'temporary',
          code: `smtp-${responseCode ?? code ?? 'error'}`,
          recipient: permanent,
        };
      }
    },
    close: () => transport.close(),
  };
}
