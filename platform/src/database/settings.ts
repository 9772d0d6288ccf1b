import { totalmem } from 'node:os';

const megabyte = 1024 * 1024;

const sharedBuffers = (): string => `${Math.max(32, Math.min(256, Math.floor(totalmem() / megabyte / 8)))}MB`;

/** The embedded server's settings, with `extra` on top. */
export const serverSettings = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: sharedBuffers(),
  wal_compression: 'on',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
  // Statements and the details of errors carry personal data; the block that sent them reports the error itself.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  ...extra,
});

/** As `pg_ctl -o` wants them: one line for a shell. */
export const asFlags = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => {
      if (!/^[a-z_.]+$/.test(name) || value.includes("'"))
        throw new Error(`${name}=${value} cannot be a setting`);
      return `-c ${name}='${value}'`;
    })
    .join(' ');
