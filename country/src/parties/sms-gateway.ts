import { randomBytes } from 'node:crypto';
import { holdFolder } from './durable/hold-folder.ts';
import { faultControl } from './faults/control.ts';
import { faultSwitch, readFaults } from './faults/fault-switch.ts';
import { createServer, mount } from './http/server.ts';
import { callbackControl } from './notices/control.ts';
import { listen } from './program/listen.ts';
import { runParty } from './program/run.ts';
import { SmsFaults } from './sms/faults.ts';
import { openSmsGateway } from './sms/gateway.ts';
import { smsOperations } from './sms/operations.ts';
import { smsPages } from './sms/pages.ts';

/** Lumora Telecom: an SMS gateway with telephones to look at. Run with `node country/src/parties/sms-gateway.ts`. */
await runParty({
  name: 'Lumora Telecom',
  async start(options) {
    const faults = faultSwitch<SmsFaults>(readFaults(SmsFaults, options.faults) ?? {});
    // From the environment, since a command line can be read by everybody on the machine.
    const apiKey = process.env.SMS_GATEWAY_KEY || randomBytes(24).toString('base64url');
    const release = await holdFolder(options.data);
    const { data, callbackUrl, client, host } = options;
    const gateway = await openSmsGateway({ data, callbackUrl, client, faults, deliverMs: 50 });
    const info = {
      title: 'Lumora Telecom SMS gateway',
      description: 'Text messages. A simulator of an outside party: nothing here reaches a real telephone.',
      version: '1.0.0',
      bearer: true,
    };
    const server = createServer();
    mount(server, info, smsOperations(gateway, faults, apiKey));
    smsPages(server, gateway);
    server.get('/.well-known/jwks.json', async () => ({ keys: [gateway.key.publicJwk] }));
    const control = createServer();
    mount(control, { ...info, title: `${info.title}: control` }, [
      ...faultControl(SmsFaults, faults),
      callbackControl(gateway.delivery),
    ]);
    const controlUrl = await listen(control, host, options.controlPort);
    const url = await listen(server, host, options.port);
    return {
      addresses: { url, controlUrl },
      async stop() {
        await Promise.all([server.close(), control.close()]);
        await gateway.close();
        release();
      },
    };
  },
});
