import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, issueCertificate, parseRequests } from '@handfast/x509';
import { namesOf } from '../../src/ca/constraints.ts';
import { limitsLike, limitsOf } from '../../src/ca/hierarchy.ts';
import { type NameSpace, unconstrainedText } from '../../src/ca/names.ts';
import { crossLimits } from '../../src/ca/rotate-names.ts';
import { certificateOf, type IssuedFiles, issued, opensslVerdict, told, verdict } from './rotation-support.ts';
import { Place } from './support.ts';

/** A team's CA for `corp.test` and 10.0.0.0/8, whose root's key is at hand. */
class Corp extends Place {
  readonly rootKey: string = this.path('root-key.pem');
  readonly newRootKey: string = this.path('new-root-key.pem');
  readonly intermediate = ['rotate', 'intermediate', '--root-key', this.rootKey] as const;
  readonly root = [
    ...['rotate', 'root', '--root-key', this.rootKey, '--new-root-key', this.newRootKey, '--no-passphrase'],
  ] as const;

  async init(...more: readonly string[]): Promise<void> {
    const allow = ['--allow', 'corp.test', '10.0.0.0/8'];
    await this.json('init', ...allow, '--root-key', this.rootKey, '--no-passphrase', ...more);
  }

  /** What may be issued for from now on. */
  allow(...names: readonly string[]): void {
    const config = JSON.parse(readFileSync(this.path('ca', 'config.json'), 'utf8')) as object;
    this.file('ca/config.json', JSON.stringify({ ...config, allow: names }));
  }

  certificate(file: 'root' | 'previous-root' | 'intermediate' | 'between'): Certificate {
    return certificateOf(this.path('ca', `${file}.pem`));
  }

  /** What the certificate in a file is confined to. */
  names(file: Parameters<Corp['certificate']>[0]): NameSpace | undefined {
    return namesOf(this.certificate(file));
  }
}

/** Our verdict and OpenSSL’s. */
async function verdicts(leaf: IssuedFiles, root: Certificate): Promise<readonly string[]> {
  return [await verdict(leaf, root), await opensslVerdict(leaf, root)];
}

const refused = ['name_constraints', 'permitted subtree violation'];
const good = ['ok', 'ok'];
const own: NameSpace = { domains: ['corp.test'], networks: ['10.0.0.0/8'] };

describe('names at the rotation of a root', () => {
  const place = new Corp();
  let early: IssuedFiles;
  before(async () => {
    await place.init();
    early = await issued(place, 'early.corp.test');
  });
  after(() => place.remove());

  test('before it, no certificate is made that nobody would accept, and the command says what helps', async () => {
    place.allow('corp.test', 'other.test');
    const { exitCode, message, hint } = await place.refusal('issue', 'app.other.test', '--out', place.path('out'));
    assert.equal(exitCode, 2);
    assert.match(String(message), /^no verifier would accept it: .*"app\.other\.test" is in none of the permitted/);
    assert.equal(
      hint,
      'the intermediate is confined to other names: handfast ca rotate intermediate --name NAME makes one that may',
    );
    place.allow('corp.test', '10.0.0.0/8');
  });

  test('are more where they are named: root and intermediate have them, and the old root vouches for none of them', async () => {
    const answer = await told(place, ...place.root, '--name', 'other.test', '192.0.2.0/24', '10.1.0.0/16');
    const wide = { domains: ['corp.test', 'other.test'], networks: ['10.0.0.0/8', '192.0.2.0/24', '10.1.0.0/16'] };
    assert.deepEqual(answer.constrainedTo, [...wide.domains, ...wide.networks]);
    assert.deepEqual(answer.oldRootRefuses, ['other.test', '192.0.2.0/24']);
    assert.deepEqual([place.names('root'), place.names('intermediate')], [wide, wide]);
    assert.deepEqual(place.names('previous-root'), own);
    assert.deepEqual(place.names('between'), { domains: ['corp.test'], networks: ['10.0.0.0/8', '10.1.0.0/16'] });
  });

  test('who trusts the new root takes certificates for them; who trusts the old one alone takes those of old names', async () => {
    place.allow('corp.test', 'other.test', '10.0.0.0/8', '192.0.2.0/24');
    const [oldRoot, newRoot] = [place.certificate('previous-root'), place.certificate('root')];
    const [late, other] = [await issued(place, 'late.corp.test'), await issued(place, 'app.other.test')];
    for (const [leaf, under] of [
      [early, [good, ['unknown_issuer', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY']]],
      [late, [good, good]],
      [other, [refused, good]],
    ] as const) {
      assert.deepEqual([await verdicts(leaf, oldRoot), await verdicts(leaf, newRoot)], under);
    }
    const [address] = await place.json('issue', '192.0.2.7', '--out', place.path('out'));
    assert.deepEqual(address?.names, ['192.0.2.7']);
  });

  test('an intermediate may have those of the new root, and it is said who refuses them', async () => {
    place.allow('corp.test');
    const turn = ['rotate', 'intermediate', '--root-key', place.newRootKey];
    const narrow = await told(place, ...turn, '--confine-to', 'corp.test');
    assert.deepEqual([narrow.constrainedTo, narrow.oldRootRefuses], [['corp.test'], []]);
    assert.deepEqual(place.names('intermediate'), { domains: ['corp.test'], networks: [] });
    const { stdout } = await place.ca(...turn, '--name', 'sub.other.test');
    assert.match(stdout.text, /\n {2}Confined to +corp\.test, sub\.other\.test and all below\n/);
    assert.match(
      stdout.text,
      /\n {2}New names +sub\.other\.test and all below\n +valid for machines that trust the new root, and for no others\n/,
    );
    assert.match(
      stdout.text,
      /\n {2}Not issued +sub\.other\.test and all below\n +until "allow" in config\.json has them/,
    );
    assert.deepEqual(place.names('intermediate'), { domains: ['corp.test', 'sub.other.test'], networks: [] });
  });
});

describe('names at the rotation of an intermediate', () => {
  const place = new Corp();
  before(() => place.init('--name', 'spare.test'));
  after(() => place.remove());

  test('are never more than the root has, and the command says what makes another root', async () => {
    const name = JSON.stringify(place.certificate('root').subject.toString());
    const before = place.certificate('intermediate').raw;
    const remedy = (more: string) =>
      `handfast ca rotate root ${more} … makes a root that may, and gives the intermediate these names as well`;
    assert.deepEqual(await place.refusal(...place.intermediate, '--name', 'other.test', 'a.corp.test', '11.0.0.0/8'), {
      exitCode: 2,
      message: `the root ${name} may not certify "other.test", "11.0.0.0/8"`,
      hint: remedy('--name other.test 11.0.0.0/8'),
    });
    assert.deepEqual(await place.refusal(...place.intermediate, '--name', '10.0.0.0/7'), {
      exitCode: 2,
      message: `the root ${name} may not certify "10.0.0.0/7"`,
      hint: remedy('--name 10.0.0.0/7'),
    });
    assert.deepEqual(await place.refusal(...place.intermediate, '--unconstrained'), {
      exitCode: 2,
      message: `the root ${name} is confined to names, and so is all below it`,
      hint: remedy('--unconstrained'),
    });
    assert.deepEqual(await place.refusal('rotate', 'intermediate', '--csr', '--name', 'other.test'), {
      exitCode: 2,
      message: `the root ${name} may not certify "other.test"`,
      hint: 'whoever runs the root would have to make another: handfast ca init --root-csr, in a folder of its own, begins with that',
    });
    assert.deepEqual(place.certificate('intermediate').raw, before);
    assert.ok(!existsSync(place.path('ca', 'waiting')));
  });

  test('are fewer where it is confined to fewer, but not to fewer than may be issued', async () => {
    assert.deepEqual(await place.refusal(...place.intermediate, '--confine-to', 'corp.test'), {
      exitCode: 2,
      message: '"10.0.0.0/8" is not among these names, and "allow" in config.json has it',
      hint: 'name it, too, or take it out of "allow" first: no verifier would accept a certificate for it',
    });
    const answer = await told(place, ...place.intermediate, '--confine-to', 'corp.test', '10.0.0.0/8');
    assert.deepEqual(answer.constrainedTo, ['corp.test', '10.0.0.0/8']);
    assert.deepEqual(place.names('intermediate'), own);
    await told(place, ...place.intermediate, '--name', 'www.spare.test');
    assert.deepEqual(place.names('intermediate'), { ...own, domains: ['corp.test', 'www.spare.test'] });
    await told(place, ...place.intermediate);
    assert.deepEqual(place.names('intermediate'), { ...own, domains: ['corp.test', 'www.spare.test'] });
  });

  test('stand in the request for a root that is elsewhere', async () => {
    await place.json('rotate', 'intermediate', '--csr', '--name', 'spare.test');
    const [request] = parseRequests(readFileSync(place.path('ca', 'waiting', 'request.csr')));
    await told(place, ...place.intermediate, '--name', 'spare.test');
    assert.deepEqual(place.names('intermediate')?.domains, ['corp.test', 'www.spare.test', 'spare.test']);
    const wanted = place.certificate('intermediate').extension('nameConstraints');
    assert.deepEqual(request?.extension('nameConstraints')?.value, wanted?.value);
  });

  test('that make no sense are refused, with what to do', async () => {
    const advice =
      '--name adds to the names that it is confined to, --confine-to replaces them, --unconstrained gives them up';
    const refusals: readonly (readonly [readonly string[], string, string | null])[] = [
      [['--name', 'a.test', '--confine-to', 'b.test'], '--name and --confine-to contradict each other', advice],
      [['--name', 'a.test', '--unconstrained'], '--name and --unconstrained contradict each other', advice],
      [
        ['--confine-to', '10.0.0.0/8'],
        '--confine-to has networks and no domain',
        'name one that is yours: --confine-to corp.example',
      ],
      [
        ['--name', '*.corp.test'],
        '--name "*.corp.test" has a wildcard',
        'write corp.test: it stands for itself and everything below',
      ],
    ];
    for (const command of [place.intermediate, place.root]) {
      for (const [argv, message, hint] of refusals) {
        assert.deepEqual(await place.refusal(...command, ...argv), { exitCode: 2, message, hint }, argv.join(' '));
      }
    }
    assert.ok(!existsSync(place.newRootKey));
  });
});

describe('a new root', () => {
  test('for fewer names has a certificate by the old one for no more', async () => {
    const place = new Corp();
    try {
      await place.init('--name', 'spare.test');
      place.allow('corp.test', 'spare.test', '10.0.0.0/8');
      const old = await issued(place, 'app.spare.test');
      place.allow('corp.test', '10.0.0.0/8');
      const answer = await told(place, ...place.root, '--confine-to', 'corp.test', '10.0.0.0/8');
      assert.deepEqual([answer.constrainedTo, answer.oldRootRefuses], [['corp.test', '10.0.0.0/8'], []]);
      for (const file of ['root', 'between', 'intermediate'] as const) assert.deepEqual(place.names(file), own, file);
      assert.deepEqual(await verdicts(old, place.certificate('previous-root')), good);
      assert.deepEqual(await verdicts(await issued(place, 'app.corp.test'), place.certificate('root')), good);
    } finally {
      place.remove();
    }
  });

  test('with no name of the old one is another CA', async () => {
    const place = new Corp();
    try {
      await place.init();
      place.allow();
      assert.deepEqual(await place.refusal(...place.root, '--confine-to', 'other.test'), {
        exitCode: 2,
        message: 'the new root would have no domain in common with the old one',
        hint: 'that is another CA: handfast ca init makes it, in a folder of its own (--dir)',
      });
      assert.ok(!existsSync(place.newRootKey));
    } finally {
      place.remove();
    }
  });

  test('is unconstrained where that is typed, with a warning; the old one’s certificate for it is not', async () => {
    const place = new Corp();
    try {
      await place.init();
      const { stdout, stderr } = await place.ca(...place.root, '--unconstrained');
      assert.ok(stderr.lines.includes(`warning: ${unconstrainedText}`));
      assert.match(stdout.text, /\n {2}Confined to +nothing: any name at all\n/);
      assert.deepEqual([place.names('root'), place.names('intermediate')], [undefined, undefined]);
      assert.deepEqual(place.names('between'), own);
      place.allow('corp.test', 'other.test');
      const other = await issued(place, 'app.other.test');
      assert.deepEqual(await verdicts(other, place.certificate('root')), good);
      assert.deepEqual(await verdicts(other, place.certificate('previous-root')), refused);

      const turn = ['rotate', 'intermediate', '--root-key', place.newRootKey];
      const name = JSON.stringify(place.certificate('intermediate').subject.toString());
      assert.deepEqual(await place.refusal(...turn, '--name', 'third.test'), {
        exitCode: 2,
        message: `--name adds nothing: ${name} is confined to no names`,
        hint: '--confine-to NAMES confines the next one to these',
      });
      const kept = await place.ca(...turn);
      assert.ok(kept.stderr.lines.includes(`warning: ${unconstrainedText}`));
      const confined = await place.ca(...turn, '--confine-to', 'corp.test', 'other.test', 'co.uk');
      assert.deepEqual(confined.stderr.lines, [
        'warning: strangers have names under "co.uk": the CA may issue for them, too',
      ]);
    } finally {
      place.remove();
    }
  });

  test('repeats constraints of the old one that another tool has written, in its certificate by the old one', async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const old = await issueCertificate({
      ...{ provider, subject: { commonName: 'Old root' }, publicKey: signer.publicKey, issuer: { signer }, ca: true },
      ...{ notBefore: new Date('2026-01-01'), notAfter: new Date('2036-01-01') },
      nameConstraints: { permitted: { dns: ['corp.test'] } },
    });
    const names = { domains: ['other.test'], networks: [] };
    assert.deepEqual(crossLimits(old, { names, limits: limitsOf(names) }), limitsLike(old));
  });
});
