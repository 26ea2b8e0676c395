/**
 * The states of TLS 1.2 and before (RFC 5246 §7.3), as `tls13/states.ts` has those of TLS 1.3: state → message → the
 * states that may follow. The RFC names none; each is named after the message that it waits for. A client
 * ignores a HelloRequest between ServerHello and the server's ChangeCipherSpec (RFC 5246 §7.4.1.1).
 *
 * @module
 */

export const clientStates12 = {
  WAIT_SH: {
    // A session that goes on needs no more than both Finished.
    legacy_server_hello: ['WAIT_CERT_12', 'WAIT_SKE_12', 'WAIT_NST_12', 'WAIT_CCS_12'],
  },
  WAIT_CERT_12: {
    certificate_12: ['WAIT_STATUS_12', 'WAIT_SKE_12'],
    hello_request: ['WAIT_CERT_12'],
  },
  // CertificateStatus may be absent even where it was announced (RFC 6066 §8).
  WAIT_STATUS_12: {
    certificate_status: ['WAIT_SKE_12'],
    server_key_exchange: ['WAIT_CR_12'],
    certificate_request_12: ['WAIT_SHD_12'],
    server_hello_done: ['WAIT_NST_12', 'WAIT_CCS_12'],
    hello_request: ['WAIT_STATUS_12'],
  },
  WAIT_SKE_12: {
    server_key_exchange: ['WAIT_CR_12'],
    // A key exchange that needs no message of the server's, or whose message is optional.
    certificate_request_12: ['WAIT_SHD_12'],
    server_hello_done: ['WAIT_NST_12', 'WAIT_CCS_12'],
    hello_request: ['WAIT_SKE_12'],
  },
  WAIT_CR_12: {
    certificate_request_12: ['WAIT_SHD_12'],
    server_hello_done: ['WAIT_NST_12', 'WAIT_CCS_12'],
    hello_request: ['WAIT_CR_12'],
  },
  WAIT_SHD_12: { server_hello_done: ['WAIT_NST_12', 'WAIT_CCS_12'], hello_request: ['WAIT_SHD_12'] },
  WAIT_NST_12: { new_session_ticket_12: ['WAIT_CCS_12'], hello_request: ['WAIT_NST_12'] },
  WAIT_CCS_12: { change_cipher_spec: ['WAIT_FINISHED_12'], hello_request: ['WAIT_CCS_12'] },
  WAIT_FINISHED_12: { finished: ['CONNECTED_12'] },
  // Another handshake, where the config has a policy for it; else a HelloRequest is answered with a warning.
  CONNECTED_12: { hello_request: ['CONNECTED_12', 'WAIT_SH_AGAIN_12'], renegotiate: ['WAIT_SH_AGAIN_12'] },
  WAIT_SH_AGAIN_12: {
    legacy_server_hello: ['WAIT_CERT_12', 'WAIT_SKE_12'],
    // Another version, which is looked at to be refused.
    server_hello: [],
    hello_retry_request: [],
    no_renegotiation: ['CONNECTED_12'],
    hello_request: ['WAIT_SH_AGAIN_12'],
  },
} as const;

export const serverStates12 = {
  START: { client_hello: ['WAIT_CERT_12', 'WAIT_CKE_12', 'WAIT_CCS_12'] },
  WAIT_CERT_12: { certificate_12: ['WAIT_CKE_12'] },
  WAIT_CKE_12: { client_key_exchange: ['WAIT_CV_12', 'WAIT_CCS_12'] },
  WAIT_CV_12: { certificate_verify_12: ['WAIT_CCS_12'] },
  WAIT_CCS_12: { change_cipher_spec: ['WAIT_FINISHED_12'] },
  WAIT_FINISHED_12: { finished: ['CONNECTED_12'] },
  CONNECTED_12: {
    client_hello: ['CONNECTED_12', 'WAIT_CERT_12', 'WAIT_CKE_12'],
    // A HelloRequest goes out.
    renegotiate: ['CONNECTED_12'],
  },
} as const;
