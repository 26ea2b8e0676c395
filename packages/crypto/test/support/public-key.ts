/**
 * `PublicKeyInfo` out of a well-formed SubjectPublicKeyInfo, for tests: the strict parser is `@handfast/x509`'s.
 *
 * @module
 */

export { readSpki as publicKeyOf } from '../../src/key-containers.ts';
