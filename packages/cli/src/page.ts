/**
 * What `serve --http` answers: a page that tells the visitor what was negotiated, and the same as JSON. Everything of the
 * visitor's in it is escaped.
 *
 * @module
 */

import { isGrease, type Negotiated } from '@handfast/tls';
import { groupName, groupNote, type HandshakeMessage, schemeName, suiteName, versionName } from '@handfast/viewer';
import { keyLabel } from '@handfast/x509';
import { keyExchangeName } from './names.ts';
import { negotiatedJson } from './trace-json.ts';
import { nameOf } from './transcript.ts';

export type ClientHello = Extract<HandshakeMessage, { readonly type: 'client_hello' }>;

export interface Visit {
  readonly negotiated: Negotiated;
  readonly hello: ClientHello | undefined;
  readonly address: string | undefined;
  readonly handshakeMs: number;
}

type Row = readonly [label: string, value: string, note?: string];

/** The page, whole: no script, nothing fetched. */
export function page(visit: Visit): string {
  const { negotiated } = visit;
  const title = negotiated.group?.postQuantum
    ? 'This connection is private, also from tomorrow’s quantum computers'
    : 'This connection is private';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${negotiated.version} · handfast`)}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="brand">handfast</p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">You and this server agreed on the following, in ${visit.handshakeMs.toFixed(1)} ms.</p>
${section('What was chosen', chosenRows(visit))}
${section('Who you are', visitorRows(visit))}
${visit.hello === undefined ? '' : section('What your client offered', offeredRows(visit.hello))}
<p class="foot">The same for programs: <a href="/json">/json</a></p>
</main>
</body>
</html>
`;
}

/** The same for programs. */
export function visitJson({ negotiated, hello, address, handshakeMs }: Visit): object {
  return {
    ...negotiatedJson(negotiated),
    address: address ?? null,
    handshakeMs: Math.round(handshakeMs * 1000) / 1000,
    offered:
      hello === undefined
        ? null
        : {
            versions: hello.extensions.supported_versions?.map(versionName) ?? [],
            cipherSuites: hello.cipherSuites.map(suiteName),
            groups: hello.extensions.supported_groups?.map(groupName) ?? [],
            keyShares: hello.extensions.key_share?.map(({ group }) => groupName(group)) ?? [],
            signatureSchemes: hello.extensions.signature_algorithms?.map(schemeName) ?? [],
            alpnProtocols: hello.extensions.application_layer_protocol_negotiation ?? [],
          },
  };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function chosenRows({ negotiated }: Visit): readonly Row[] {
  const { group, cipherSuite, signatureScheme, alpnProtocol, serverName, resumed, version } = negotiated;
  return [
    ['Version', version],
    ['Cipher suite', cipherSuite.name],
    group ? ['Key exchange', group.name, groupNote(group.name)] : ['Key exchange', keyExchangeName(group)],
    resumed
      ? ['Session', 'resumed', 'you have been here before: no certificate was shown again']
      : ['Session', 'new', 'come again, and it goes on'],
    ['Server’s signature', signatureScheme?.name ?? 'none'],
    [
      'Application protocol',
      alpnProtocol ?? 'none',
      alpnProtocol === undefined ? 'your client asked for none' : 'by ALPN',
    ],
    ['Server name', serverName ?? 'none', serverName === undefined ? 'you came by address' : 'by SNI'],
    roundTrips(negotiated),
  ];
}

function roundTrips({ version, resumed, helloRetryRequest }: Visit['negotiated']): Row {
  if (helloRetryRequest) return ['Round trips', '2', 'the server asked for another key share'];
  if (version === 'TLS 1.3') return ['Round trips', '1', 'your first key share fitted'];
  return resumed
    ? ['Round trips', '1', `a session goes on in ${version}`]
    : ['Round trips', '2', `as ${version} has it`];
}

function visitorRows({ negotiated, address }: Visit): readonly Row[] {
  const [leaf] = negotiated.peer?.chain ?? [];
  return [
    ['Address', address ?? 'unknown'],
    leaf === undefined
      ? ['Certificate', 'none', 'you are anonymous to this server']
      : [
          'Certificate',
          nameOf(leaf),
          `${keyLabel(leaf.publicKey)}, ${negotiated.peer?.path === undefined ? 'not verified' : 'verified'}`,
        ],
  ];
}

function offeredRows({ cipherSuites, extensions, legacyVersion }: ClientHello): readonly Row[] {
  const list = (ids: readonly number[] | undefined, name: (id: number) => string): string =>
    ids
      ?.filter((id) => !isGrease(id))
      .map(name)
      .join(', ') || 'none';
  const grease = cipherSuites.some(isGrease);
  return [
    ['Versions', list(extensions.supported_versions ?? [legacyVersion], versionName)],
    ['Cipher suites', list(cipherSuites, suiteName)],
    ['Groups', list(extensions.supported_groups, groupName)],
    [
      'Key shares',
      list(
        extensions.key_share?.map(({ group }) => group),
        groupName,
      ),
    ],
    ['Signature schemes', list(extensions.signature_algorithms, schemeName)],
    ['Application protocols', extensions.application_layer_protocol_negotiation?.join(', ') ?? 'none'],
    ['GREASE', grease ? 'yes' : 'no', grease ? 'random values, so that servers stay tolerant (RFC 8701)' : ''],
  ];
}

function section(title: string, rows: readonly Row[]): string {
  const items = rows.map(([label, value, note = '']) => {
    const remark = note === '' ? '' : ` <small>${escapeHtml(note)}</small>`;
    return `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}${remark}</dd></div>`;
  });
  return `<section><h2>${escapeHtml(title)}</h2><dl>${items.join('')}</dl></section>`;
}

const style = `
:root{color-scheme:light dark;--ink:#1c2330;--soft:#5d6879;--line:#e3e6eb;--card:#fff;--ground:#f5f6f8;--accent:#0b6e4f}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf0;--soft:#98a3b3;--line:#2c3442;--card:#1a202b;--ground:#12161d;--accent:#4fd1a1}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:46rem;margin:0 auto;padding:3rem 1.25rem}
.brand{margin:0;color:var(--accent);font-weight:600;letter-spacing:.02em}
h1{margin:.25rem 0 .5rem;font-size:1.9rem;line-height:1.2;text-wrap:balance}
.lead,.foot{color:var(--soft)}
section{margin:1.5rem 0;padding:.25rem 1.25rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
h2{margin:1rem 0 .5rem;font-size:1rem}
dl{margin:0}
dl div{display:grid;grid-template-columns:12rem 1fr;gap:1rem;padding:.45rem 0;border-top:1px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
small{color:var(--soft);font-size:.875em}
a{color:var(--accent)}
@media(max-width:34rem){dl div{grid-template-columns:1fr;gap:0}}
`;
