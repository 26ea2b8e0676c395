/** What the reader can change. */

import type { JSX } from 'preact';
import { change, settings } from '../lab.ts';
import { choices, type SettingName, type Settings } from '../stage/settings.ts';

/** The one that most people come for: a row of buttons, one click each. */
export function CertificateChoice(): JSX.Element {
  return (
    <fieldset class="certificates">
      <legend>The server’s certificate is…</legend>
      {Object.entries(choices.certificate).map(([value, label]) => (
        <label key={value}>
          <input
            type="radio"
            name="certificate"
            value={value}
            checked={settings.value.certificate === value}
            onChange={() => change('certificate', value as Settings['certificate'])}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

const labels: Readonly<Record<Exclude<SettingName, 'certificate'>, string>> = {
  client: 'The client speaks',
  server: 'The server speaks',
  groups: 'Key exchange',
  clientCertificate: 'Client’s certificate',
  alpn: 'Application protocol',
  back: 'The client connects',
  distance: 'Round trip',
  wire: 'The wire is',
  flight: 'In which flight',
  place: 'Where in it',
};

function Choice({ name }: { readonly name: keyof typeof labels }): JSX.Element {
  return (
    <label class="choice">
      <span>{labels[name]}</span>
      <select value={settings.value[name]} onChange={({ currentTarget }) => change(name, currentTarget.value as never)}>
        {Object.entries(choices[name]).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

export function SettingsPanel(): JSX.Element {
  const tampers = settings.value.wire !== 'whole';
  return (
    <fieldset class="settings">
      <legend class="unseen">Other settings</legend>
      {(['client', 'server', 'groups', 'clientCertificate', 'alpn', 'back', 'distance', 'wire'] as const).map(
        (name) => (
          <Choice key={name} name={name} />
        ),
      )}
      {tampers && <Choice name="flight" />}
      {tampers && <Choice name="place" />}
    </fieldset>
  );
}
