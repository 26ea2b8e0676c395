import { startTls, TrustedCert } from 'subtls';

export async function open(read, write, pem, host) {
  return startTls(host, await TrustedCert.databaseFromPEM(pem), read, write);
}
