import { BillFaults } from './bills/faults.ts';
import { openTaxOffice, revenueOperations } from './bills/revenue.ts';
import { holdFolder } from './durable/hold-folder.ts';
import { faultControl } from './faults/control.ts';
import { faultSwitch, readFaults } from './faults/fault-switch.ts';
import { createServer, mount } from './http/server.ts';
import { listen } from './program/listen.ts';
import { runParty } from './program/run.ts';

/** Lumora Revenue Authority: a biller of property tax. Run with `node country/src/parties/revenue.ts`. */
await runParty({
  name: 'Lumora Revenue Authority',
  async start(options) {
    const faults = faultSwitch<BillFaults>(readFaults(BillFaults, options.faults) ?? {});
    const release = await holdFolder(options.data);
    const office = await openTaxOffice(options.data);
    const info = {
      title: 'Lumora Revenue Authority',
      description: 'Property tax bills. A simulator of an outside party: nobody owes anything here.',
      version: '1.0.0',
    };
    const server = createServer();
    mount(server, info, revenueOperations(office, faults));
    const control = createServer();
    mount(control, { ...info, title: `${info.title}: control` }, faultControl(BillFaults, faults));
    const controlUrl = await listen(control, options.host, options.controlPort);
    const url = await listen(server, options.host, options.port);
    return {
      addresses: { url, controlUrl },
      async stop() {
        await Promise.all([server.close(), control.close()]);
        await office.journal.close();
        release();
      },
    };
  },
});
