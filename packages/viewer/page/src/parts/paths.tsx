/** The certificate path as a picture: from the peer up to the root, each check passed or failed. */

import {
  certificateFields,
  fromBase64,
  type Handshake,
  type Party,
  type RecordedLink,
  type RecordedPeer,
} from '@handfast/viewer';
import { type Certificate, escapeText, escapeWhole, parseCertificate } from '@handfast/x509';
import type { JSX } from 'preact';
import { exhibit, lit } from '../state.ts';

export function Paths({ shown }: { readonly shown: Handshake }): JSX.Element {
  const { client, server } = shown.peers;
  return (
    <section class="paths" aria-labelledby="paths-title">
      <h2 id="paths-title">Who vouches for whom</h2>
      <p class="hint">
        Each certificate is signed by the next, up to a root that the one who checks trusts already. Choose one for its
        bytes.
      </p>
      {client === undefined && server === undefined && (
        <p>
          {shown.negotiated?.resumed
            ? 'No certificate was sent: the session of the earlier connection proves who is there.'
            : 'No certificate has come.'}
        </p>
      )}
      {client && <Peer peer={client} by="client" of="server" failure={shown.failure} />}
      {server && <Peer peer={server} by="server" of="client" failure={shown.failure} />}
    </section>
  );
}

interface PeerProps {
  readonly peer: RecordedPeer;
  readonly by: Party;
  readonly of: Party;
  readonly failure: Handshake['failure'];
}

function Peer({ peer, by, of, failure }: PeerProps): JSX.Element {
  const links = linksOf(peer, failure?.party === by ? failure.error : undefined);
  const open = peer.paths[0]?.rule === 'unknown_issuer';
  return (
    <>
      <h3>
        The {of}’s certificate, checked by the {by}
      </h3>
      <ol class="path">
        {links.map((link, place) => (
          <Link key={link.certificate} link={link} root={peer.verified && place === links.length - 1} />
        ))}
        {open && (
          <li class="missing">
            <span aria-hidden="true">?</span> no root that the {by} trusts
          </li>
        )}
      </ol>
    </>
  );
}

/** The path that was taken, the refused one included, and what else was sent. */
function linksOf(
  peer: RecordedPeer,
  error: NonNullable<Handshake['failure']>['error'] | undefined,
): readonly RecordedLink[] {
  const path = peer.paths[0]?.certificates ?? [];
  const others = peer.chain.filter((der) => !path.some(({ certificate }) => certificate === der));
  const links = [...path, ...others.map((certificate) => ({ certificate, checks: [] }))];
  const [leaf, ...rest] = links;
  const told = links.some(({ checks }) => checks.some(({ passed }) => !passed));
  if (leaf === undefined || told || error?.certificateCode === undefined) return links;
  // Found when the path as such was good: it is about the peer's own.
  const check = { rule: error.certificateCode, detail: error.message, passed: false };
  return [{ ...leaf, checks: [...leaf.checks, check] }, ...rest];
}

function Link({ link, root }: { readonly link: RecordedLink; readonly root: boolean }): JSX.Element {
  const der = fromBase64(link.certificate);
  const certificate = parsed(der);
  const name = certificate?.subject.toString() || certificate?.subjectAltName?.dnsNames.join(', ') || 'a certificate';
  const failed = link.checks.some(({ passed }) => !passed);
  return (
    <li class={failed ? 'link failed' : link.checks.length > 0 ? 'link passed' : 'link'}>
      <button type="button" onClick={() => examine(name, der)}>
        {name}
      </button>
      {root && <span class="badge">trusted root</span>}
      {link.checks.length === 0 && <p class="hint">sent along; the check did not get here</p>}
      <ul>
        {link.checks.map(({ rule, detail, passed }) => (
          <li key={rule + detail} class={passed ? 'ok' : 'not'}>
            <span aria-hidden="true">{passed ? '✓' : '✗'}</span>
            <span class="unseen">{passed ? 'passed: ' : 'failed: '}</span>
            <span>
              <strong>{escapeText(rule.replaceAll('_', ' '))}</strong> {escapeWhole(detail)}
            </span>
          </li>
        ))}
      </ul>
    </li>
  );
}

function parsed(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

function examine(title: string, bytes: Uint8Array): void {
  lit.value = undefined;
  exhibit.value = { title, bytes, field: certificateFields(bytes), lines: ['A certificate, in DER (RFC 5280 §4.1).'] };
  document.querySelector('.bench')?.scrollIntoView({ block: 'start' });
}
