import { dataDirectoryOwner } from '@govstack/platform';
import { folder, readOptions } from '../arguments.ts';

/** `down`: asks the process that holds the data directory to stop, and waits until it has. */
export async function down(argv: readonly string[]): Promise<number> {
  const { options } = readOptions(argv, { data: 'value' });
  const dataDir = folder(options.data, '.govstack');
  const owner = dataDirectoryOwner(dataDir);
  if (!owner) {
    process.stdout.write('nothing is running\n');
    return 0;
  }
  process.kill(owner.pid, 'SIGTERM');
  const deadline = Date.now() + 60_000;
  while (dataDirectoryOwner(dataDir)) {
    if (Date.now() > deadline) throw new Error(`process ${owner.pid} has not stopped within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.stdout.write('stopped\n');
  return 0;
}
