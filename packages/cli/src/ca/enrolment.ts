/**
 * Enrolment and renewal by `@handfast/ca`, as `handfast ca serve` runs them beside ACME.
 *
 * @module
 */

import type { RequestListener } from 'node:http';
import { createEnrolment, type EnrolmentEvent } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { TLSSocket } from '@handfast/tls/node';
import { escapeText } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';
import type { Report } from '../report.ts';
import { causesOf } from './causes.ts';
import type { OpenCa } from './open.ts';

export interface EnrolmentListener {
  /** For requests below `/enrol/` that came over TLS. */
  readonly listener: RequestListener;
  close(): void;
}

const maintenanceMs = 3_600_000;

export async function enrolmentListener(ca: OpenCa, report: Report): Promise<EnrolmentListener> {
  const { authority, database } = ca;
  const enrolment = await createEnrolment({ authority, database, provider, log: (event) => tell(event, report) });
  const maintain = (): void => {
    enrolment.maintain().catch((error: unknown) => report.error(error));
  };
  const timer = setInterval(maintain, maintenanceMs);
  maintain();
  const listener = getRequestListener(
    (request, { incoming }) => {
      const { socket } = incoming;
      // Its handshake has shown that the client holds the key; whose it is the records say.
      const clientCertificate = socket instanceof TLSSocket ? socket.negotiated?.peer?.chain[0] : undefined;
      return enrolment.fetch(request, { clientCertificate, address: socket.remoteAddress });
    },
    { overrideGlobalObjects: false },
  );
  return {
    listener: (request, response) => void listener(request, response),
    close: () => clearInterval(timer),
  };
}

function tell(event: EnrolmentEvent, report: Report): void {
  switch (event.event) {
    case 'issued': {
      const { serial, renewal } = event;
      report.news(`  ${renewal ? 'renewed' : 'enrolled'}: ${serial}`, renewal ? 'renewed' : 'enrolled', { serial });
      break;
    }
    case 'refused': {
      const { path, code } = event;
      const cause = causesOf(event.cause);
      report.news(`  refused: ${code}${cause === null ? '' : ` (${escapeText(cause)})`}`, 'refused', {
        path,
        code,
        cause,
      });
      break;
    }
    case 'error':
      report.error(event.error, { path: event.path });
      break;
  }
}
