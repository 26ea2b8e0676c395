/**
 * The diagnosis table: every cause that the doctor knows, in the order in which they are told. `diagnose` goes through it,
 * and docs/errors.md is made of it.
 *
 * @module
 */

import { afterCauses } from './causes/after.ts';
import type { CauseGroup } from './causes/cause.ts';
import { formCauses } from './causes/certificate-form.ts';
import { issuerCauses } from './causes/certificate-issuer.ts';
import { nameCauses } from './causes/certificate-name.ts';
import { validityCauses } from './causes/certificate-time.ts';
import { clientCertificateCauses } from './causes/client-certificate.ts';
import { alertCauses, unexplained } from './causes/handshake-alert.ts';
import { differenceCauses } from './causes/handshake-difference.ts';
import { refusalCauses } from './causes/handshake-refusal.ts';
import { silenceCauses } from './causes/handshake-silence.ts';
import { networkCauses } from './causes/network.ts';
import { notes } from './causes/notes.ts';
import { plaintextCauses } from './causes/plaintext.ts';

export const table: readonly CauseGroup[] = [
  { title: 'Before TLS', kind: 'problem', firstAlone: true, causes: networkCauses },
  {
    title: 'The handshake',
    kind: 'problem',
    firstAlone: true,
    causes: [
      ...plaintextCauses,
      ...clientCertificateCauses,
      ...differenceCauses,
      ...refusalCauses,
      ...alertCauses,
      ...silenceCauses,
      unexplained,
    ],
  },
  { title: 'The certificate: time', kind: 'problem', firstAlone: true, causes: validityCauses },
  { title: 'The certificate: form and strength', kind: 'problem', firstAlone: false, causes: formCauses },
  { title: 'The certificate: issuer', kind: 'problem', firstAlone: true, causes: issuerCauses },
  { title: 'The certificate: name', kind: 'problem', firstAlone: true, causes: nameCauses },
  { title: 'Once the connection stands', kind: 'problem', firstAlone: true, causes: afterCauses },
  { title: 'Notes', kind: 'note', firstAlone: false, causes: notes },
];
