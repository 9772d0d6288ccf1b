import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { holdFolder } from './durable/hold-folder.ts';
import { faultControl } from './faults/control.ts';
import { faultSwitch, readFaults } from './faults/fault-switch.ts';
import { createServer, mount } from './http/server.ts';
import { MailFaults } from './mail/faults.ts';
import { openMailbox } from './mail/mailbox.ts';
import { mailOperations } from './mail/operations.ts';
import { mailPages } from './mail/pages.ts';
import { createMailServer } from './mail/server.ts';
import { listen } from './program/listen.ts';
import { runParty } from './program/run.ts';

/** Lumora Post: an SMTP server (`--port`) and the mailboxes it fills (`--http-port`). Run with `node country/src/parties/smtp.ts`. */
await runParty({
  name: 'Lumora Post',
  options: ['http-port'],
  async start({ port, controlPort, host, data, faults: faultFile, more }) {
    const faults = faultSwitch<MailFaults>(readFaults(MailFaults, faultFile) ?? {});
    const release = await holdFolder(data);
    const mailbox = await openMailbox(data);
    const info = {
      title: 'Lumora Post',
      description: 'Mailboxes. A simulator of an outside party: nothing here reaches a real mailbox.',
      version: '1.0.0',
    };
    const pages = createServer();
    mount(pages, info, mailOperations(mailbox));
    mailPages(pages, mailbox);
    const control = createServer();
    mount(control, { ...info, title: `${info.title}: control` }, faultControl(MailFaults, faults));
    const controlUrl = await listen(control, host, controlPort);
    const httpUrl = await listen(pages, host, Number(more['http-port'] ?? 0));
    const smtp = createMailServer(mailbox, faults);
    smtp.on('error', (error) => process.stderr.write(`Lumora Post: ${error.message}\n`));
    smtp.listen(port, host);
    await once(smtp.server, 'listening');
    const address = smtp.server.address() as AddressInfo;
    return {
      addresses: {
        url: `smtp://${new URL(httpUrl).hostname}:${address.port}`,
        port: address.port,
        httpUrl,
        controlUrl,
      },
      async stop() {
        await Promise.all([
          new Promise<void>((resolve) => smtp.close(() => resolve())),
          pages.close(),
          control.close(),
        ]);
        await mailbox.close();
        release();
      },
    };
  },
});
