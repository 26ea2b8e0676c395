/** What ends soon, the first first. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { get } from '../api.ts';
import { useLoad } from '../load.ts';
import { CertificateLink, Empty, Failure, Heading, Loading, Time } from '../parts/basics.tsx';
import type { Expiring } from '../types.ts';

const spans = [7, 30, 90];

export function ExpiringPage(): JSX.Element {
  const days = useSignal(30);
  const { value, error } = useLoad(() => get<Expiring>('expiring', { days: String(days.value) }), [days.value]).value;
  return (
    <>
      <Heading>Expiring</Heading>
      <form class="filters">
        <fieldset class="choice">
          <legend class="unseen">Ends within</legend>
          {spans.map((span) => (
            <label key={span}>
              <input type="radio" name="days" checked={span === days.value} onChange={() => (days.value = span)} />
              <span>{span} days</span>
            </label>
          ))}
        </fieldset>
      </form>
      {error && <Failure error={error} />}
      {!value && !error && <Loading />}
      {value?.certificates.length === 0 && <Empty title={`None ends within ${days.value} days.`} />}
      {value !== undefined && value.certificates.length > 0 && (
        <table>
          <caption class="unseen">Certificates that end within {days.value} days, the first first</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Ends</th>
              <th scope="col">Profile</th>
              <th scope="col">By</th>
            </tr>
          </thead>
          <tbody>
            {value.certificates.map((certificate) => (
              <tr key={certificate.serial}>
                <th scope="row" data-label="Name">
                  <CertificateLink certificate={certificate} />
                </th>
                <td data-label="Ends">
                  <Time date={certificate.notAfter} />
                </td>
                <td data-label="Profile">{certificate.profile}</td>
                <td data-label="By">{certificate.by}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {value?.more === true && <p class="hint">There are more: these are the first {value.certificates.length}.</p>}
    </>
  );
}
