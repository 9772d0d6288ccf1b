import { buffer } from 'node:stream/consumers';
import { simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import type { MailFaults } from './faults.ts';
import type { Mailbox } from './mailbox.ts';

const largestMessage = 25 * 1024 * 1024;

const smtpError = (code: number, text: string): Error =>
  Object.assign(new Error(text), { responseCode: code });

/** An SMTP server that takes every message for every address and keeps it. */
export function createMailServer(mailbox: Mailbox, faults: FaultSwitch<MailFaults>): SMTPServer {
  const receive = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> => {
    const raw = await buffer(stream);
    if (stream.sizeExceeded) throw smtpError(552, 'The message is too large');
    const { mailFrom, rcptTo } = session.envelope;
    const { subject = '', messageId } = await simpleParser(raw, {
      skipHtmlToText: true,
      skipTextToHtml: true,
    });
    const to = rcptTo.map(({ address }) => address);
    if (faults.strikesAgain(faults.current().busy, 'busy', messageId ?? to.join())) {
      throw smtpError(451, 'Busy; try again later');
    }
    await mailbox.keep(mailFrom === false ? '' : mailFrom.address, to, subject, raw);
  };
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: largestMessage,
    logger: false,
    banner: 'Lumora Post, simulator of an outside party',
    closeTimeout: 1_000,
    onRcptTo({ address }, _session, callback) {
      const refused = faults.current().refused?.some((beginning) => address.startsWith(beginning));
      callback(refused ? smtpError(550, 'There is no such mailbox') : undefined);
    },
    onData(stream, session, callback) {
      receive(stream, session).then(
        () => callback(),
        (error: Error) => callback(error),
      );
    },
  });
}
