/** Certificates, a row each. */

import type { JSX } from 'preact';
import type { CertificateSummary } from '../types.ts';
import { CertificateLink, StatusBadge, Time } from './basics.tsx';

interface TableOptions {
  readonly caption: string;
  readonly certificates: readonly CertificateSummary[];
}

export function CertificateTable({ caption, certificates }: TableOptions): JSX.Element {
  return (
    <table>
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Status</th>
          <th scope="col">Profile</th>
          <th scope="col">Issued</th>
          <th scope="col">Ends</th>
          <th scope="col">By</th>
        </tr>
      </thead>
      <tbody>
        {certificates.map((certificate) => (
          <tr key={certificate.serial}>
            <th scope="row" data-label="Name">
              <CertificateLink certificate={certificate} />
            </th>
            <td data-label="Status">
              <StatusBadge {...certificate} />
            </td>
            <td data-label="Profile">{certificate.profile}</td>
            <td data-label="Issued">
              <Time date={certificate.issuedAt} />
            </td>
            <td data-label="Ends">
              <Time date={certificate.notAfter} />
            </td>
            <td data-label="By">{certificate.by}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
