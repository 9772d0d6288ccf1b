import { deskOperations, openDesk } from './bills/desk.ts';
import { BillFaults } from './bills/faults.ts';
import { holdFolder } from './durable/hold-folder.ts';
import { faultControl } from './faults/control.ts';
import { faultSwitch, readFaults } from './faults/fault-switch.ts';
import { createServer, mount } from './http/server.ts';
import { callbackControl } from './notices/control.ts';
import { listen } from './program/listen.ts';
import { runParty } from './program/run.ts';

/** Bill desk of the First National Bank of Lumora. Run with `node country/src/parties/bank-bills.ts`. */
await runParty({
  name: 'First National Bank of Lumora, bills',
  async start(options) {
    const faults = faultSwitch<BillFaults>(readFaults(BillFaults, options.faults) ?? {});
    const release = await holdFolder(options.data);
    const { data, callbackUrl, client, host } = options;
    const desk = await openDesk({ data, callbackUrl, client, faults, answerMs: 500 });
    const info = {
      title: 'First National Bank of Lumora, bills',
      description: 'Requests to pay. A simulator of an outside party: no account and no money here is real.',
      version: '1.0.0',
    };
    const server = createServer();
    mount(server, info, deskOperations(desk, faults));
    server.get('/.well-known/jwks.json', async () => ({ keys: [desk.key.publicJwk] }));
    const control = createServer();
    mount(control, { ...info, title: `${info.title}: control` }, [
      ...faultControl(BillFaults, faults),
      callbackControl(desk.delivery),
    ]);
    const controlUrl = await listen(control, host, options.controlPort);
    const url = await listen(server, host, options.port);
    return {
      addresses: { url, controlUrl },
      async stop() {
        await Promise.all([server.close(), control.close()]);
        await desk.close();
        release();
      },
    };
  },
});
