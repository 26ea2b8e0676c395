/**
 * What each code of a `CertificateError` means: a code without a row does not compile.
 *
 * @module
 */

import type { CertificateErrorCode } from '@handfast/x509';
import type { Refusal } from './refusal.ts';

const row = (title: string, turn: Refusal['turn'], cause: string, remedy: string): Refusal => ({
  ...{ title, turn, cause, remedy },
});

export const certificateRefusals: Readonly<Record<CertificateErrorCode, Refusal>> = {
  malformed: row(
    'A certificate does not decode',
    'peer',
    'Its bytes break the rules that certificates are written by. What cannot be read whole is not believed in part.',
    'look at the file that it was loaded from (`handfast cert show`), and have the certificate issued again',
  ),
  unsupported_key: row(
    'The key is of a kind that we do not know',
    'peer',
    'Without knowing the kind of key, nobody can tell whether a signature is by it.',
    'have the certificate issued for an ECDSA key on P-256 or an RSA key, as everybody takes them',
  ),
  encrypted_key: row(
    'The private key is locked with a password',
    'this side',
    'The file holds a key that only its password opens, and none was given.',
    'give the password, or a file with the key unlocked',
  ),
  wrong_password: row(
    'The password does not open the private key',
    'this side',
    'The key does not open with the password that was given: it is another one, or the file is damaged.',
    'give the right password; else get the file again from where the key was made',
  ),
  empty_trust: row(
    'There is nobody that we trust',
    'this side',
    'A certificate is worth what its root is worth, and this side was given no roots: so it trusts nobody.',
    'give this side the roots that it is to trust: the system’s, or those of your own CA',
  ),
  no_certificate: row(
    'There is no certificate to look at',
    'peer',
    'The other side is to show who it is, and has shown nothing.',
    'give that side a certificate and its key',
  ),
  unknown_issuer: row(
    'Nobody trusted vouches for the certificate',
    'either',
    'From the certificate upwards, every issuer must be signed by the next, up to a root that the side which looks at it trusts. Here that way breaks off.',
    'where an intermediate is missing, have the side with the certificate send it along; where the issuer is your own CA, trust its root; else do not go on',
  ),
  self_signed: row(
    'The certificate is self-signed',
    'peer',
    'It is signed with its own key: nobody else says whose it is, and this side does not know it as a root.',
    'have one issued by a CA that the other side trusts; where it is meant to be so, trust this very certificate there, got over a way that nobody can tamper with',
  ),
  budget: row(
    'Checking the certificate would be too much work',
    'peer',
    'Chains can be made that lead in so many ways that following all of them would never end. So there is a limit, and it is reached.',
    'send the certificate with its own intermediates alone: two or three, in order',
  ),
  expired: row(
    'The certificate has expired',
    'peer',
    'A certificate is good for a time that is written in it. Afterwards nobody answers for it: not for the key, nor for the name.',
    'renew the certificate, load it, and have a program do both from now on (ACME); nobody should look away instead',
  ),
  not_yet_valid: row(
    'The certificate is not yet valid',
    'either',
    'Its time has not begun, by the clock of the side that looks at it. More often the clock is wrong than the certificate.',
    'look at that clock first; else wait until then, or use the certificate that came before',
  ),
  bad_signature: row(
    'A certificate’s signature does not verify',
    'peer',
    'It is not by the key of the issuer that was found: the certificate was changed, or comes with an intermediate of the same name and another key.',
    'send the intermediate that belongs to the certificate: `handfast cert chain` puts it together',
  ),
  unsupported_algorithm: row(
    'A certificate uses what we cannot verify',
    'peer',
    'It is signed in a way that this side does not know, so it cannot tell who signed.',
    'have the certificate issued with ECDSA on P-256 or RSA, as every client takes them',
  ),
  weak_signature: row(
    'A certificate is signed with SHA-1 or MD5',
    'ca',
    'Two different certificates can be made for which one such signature is good: it proves nothing any more.',
    'have the certificate issued again, signed with SHA-256: SHA-1 has been forged in practice since 2017',
  ),
  weak_key: row(
    'A key is too weak',
    'peer',
    'It is so short that others can find out its private half, and be whoever it belongs to.',
    'have the certificate issued for a new key: ECDSA on P-256, or RSA of 2,048 bits',
  ),
  not_a_ca: row(
    'What issued the certificate is no CA',
    'ca',
    'Only a certificate that says of itself that it is a CA’s may vouch for others. The issuer’s does not: else every server could vouch for every name.',
    'have the certificate issued by a CA: what a server’s own key signs counts for nothing',
  ),
  path_length: row(
    'There are more CAs in the path than one of them allows',
    'ca',
    'A CA may write into another’s certificate how many more may follow below it. Here more do.',
    'have the certificate issued by a CA higher up, or that CA’s certificate issued with another path length',
  ),
  key_usage: row(
    'The key may not be used for this',
    'ca',
    'A certificate may say what its key is for, and this one leaves out what it is used for here.',
    'have the certificate issued again with the key usage digitalSignature (a CA’s: keyCertSign)',
  ),
  extended_key_usage: row(
    'The certificate is for another purpose',
    'peer',
    'It says whether it is for servers, for clients, or for something else such as mail. Here it is used for what it does not say.',
    'have one issued for this purpose: serverAuth for a server, clientAuth for a client',
  ),
  critical_extension: row(
    'A critical extension is not known',
    'ca',
    'Its issuer has marked a part of it as: whoever does not understand this must not go on. This side does not.',
    'have the certificate issued without it, or with the extension not critical',
  ),
  name_constraints: row(
    'The CA may not vouch for this name',
    'ca',
    'A CA above is limited to certain names, and this one is not among them.',
    'have the certificate issued by a CA that may, or the name changed to one that is allowed',
  ),
  certificate_policies: row(
    'The certificate’s policies are not those that are wanted',
    'either',
    'Certificates can say by which rules they were issued. This side asks for some that do not hold all the way up.',
    'have the certificate issued under the policy that is asked for, or ask for another one',
  ),
  profile: row(
    'The certificate is not made as its profile wants it',
    'ca',
    'This side takes only certificates that keep to a stricter set of rules, and one of them is broken.',
    'read the rule in the message, and have the certificate issued again so that it holds',
  ),
  revoked: row(
    'The certificate was revoked',
    'peer',
    'Its issuer has taken it back, and signed that: the key may be in other hands.',
    'have a new certificate issued, with a new key, and find out why the old one was revoked',
  ),
  revocation_unknown: row(
    'Nobody says whether the certificate was revoked',
    'peer',
    'This side goes on only if it knows that the certificate was not taken back, and got no answer that is good.',
    "have a fresh OCSP response stapled; or look without demanding (`mode: 'prefer'`)",
  ),
  bad_status_response: row(
    'The proof that it was not revoked is no good',
    'peer',
    'A server can show its CA’s signed word that its certificate still holds. This one is out of date, for another certificate, or missing where the certificate promises it.',
    'switch OCSP stapling on; look at that side’s clock, and whether it reaches its CA’s responder',
  ),
  certificate_transparency: row(
    'The certificate is in too few public logs',
    'ca',
    'Public CAs write what they issue into logs that everybody can read, and get receipts. This one has too few that this side knows, so it may have been issued in secret.',
    'have it issued by a CA that logs; a private CA’s certificates are not to be asked for that',
  ),
  name_mismatch: row(
    'The certificate is for another name',
    'either',
    'It may well be genuine, but not for the name that was asked for. Somebody else with a certificate of his own would look just so.',
    'connect by a name that it is for, have the name put into the certificate, or look whether the DNS leads to the right server',
  ),
};
