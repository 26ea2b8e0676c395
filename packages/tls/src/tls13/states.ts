/**
 * The state machines of RFC 9846 appendix A, every legal transition on one screen: state → message → the states that
 * may follow. A flow names its state in each `expect`, and the compiler holds it to this table; tests walk it, and the
 * documentation's diagrams are drawn from it.
 *
 * @module
 */

export const clientStates = {
  WAIT_SH: {
    server_hello: ['WAIT_EE'],
    hello_retry_request: ['WAIT_SH_AFTER_RETRY'],
    // An earlier version: goes on in tls12/states.ts where that was offered, else it is refused.
    legacy_server_hello: [],
  },
  WAIT_SH_AFTER_RETRY: { server_hello: ['WAIT_EE'], legacy_server_hello: [] },
  // A session that goes on shows no certificates.
  WAIT_EE: { encrypted_extensions: ['WAIT_CERT_CR', 'WAIT_FINISHED'] },
  WAIT_CERT_CR: { certificate_request: ['WAIT_CERT'], certificate: ['WAIT_CV'] },
  WAIT_CERT: { certificate: ['WAIT_CV'] },
  WAIT_CV: { certificate_verify: ['WAIT_FINISHED'] },
  WAIT_FINISHED: { finished: ['CONNECTED'] },
  CONNECTED: { key_update: ['CONNECTED'], new_session_ticket: ['CONNECTED'] },
} as const;

export const serverStates = {
  START: { client_hello: ['START_AFTER_RETRY', 'WAIT_EOED', 'WAIT_CERT', 'WAIT_FINISHED'] },
  START_AFTER_RETRY: { client_hello: ['WAIT_CERT', 'WAIT_FINISHED'] },
  // Early data passes until then.
  WAIT_EOED: { end_of_early_data: ['WAIT_FINISHED'] },
  WAIT_CERT: { certificate: ['WAIT_CV', 'WAIT_FINISHED'] },
  WAIT_CV: { certificate_verify: ['WAIT_FINISHED'] },
  WAIT_FINISHED: { finished: ['CONNECTED'] },
  CONNECTED: { key_update: ['CONNECTED'] },
} as const;

export type ClientState = keyof typeof clientStates;
export type ServerState = keyof typeof serverStates;
