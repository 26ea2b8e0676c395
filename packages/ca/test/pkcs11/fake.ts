/**
 * A token's module in memory: as much of PKCS #11 as `library.ts` calls, and faults on demand.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto';
import {
  type Attribute,
  CKA_ALWAYS_AUTHENTICATE,
  CKA_CLASS,
  CKA_EC_PARAMS,
  CKA_EC_POINT,
  CKA_ID,
  CKA_KEY_TYPE,
  CKA_LABEL,
  CKA_SIGN,
  CKF_LOGIN_REQUIRED,
  CKF_SIGN,
  CKK_EC,
  CKM_ECDSA,
  CKO_PRIVATE_KEY,
  CKO_PUBLIC_KEY,
  CKS_RO_USER_FUNCTIONS,
  CKU_CONTEXT_SPECIFIC,
  type Cryptoki,
  type Handle,
  type Mechanism,
  type TokenInfo,
} from '../../pkcs11/src/cryptoki.ts';

/** An attribute's value by its type: numbers are a CK_ULONG each. */
export type FakeObject = Map<number, Buffer>;

export function ulong(value: number): Buffer {
  return Buffer.from(new BigUint64Array([BigInt(value)]).buffer);
}

/** A pair on P-256, as two objects. */
export function ecObjects(label: string, id: number): readonly [FakeObject, FakeObject] {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  const shared: readonly (readonly [number, Buffer])[] = [
    [CKA_LABEL, Buffer.from(label)],
    [CKA_ID, Buffer.of(id)],
    [CKA_KEY_TYPE, ulong(CKK_EC)],
    [CKA_EC_PARAMS, Buffer.from('06082a8648ce3d030107', 'hex')],
  ];
  return [
    new Map([...shared, [CKA_CLASS, ulong(CKO_PRIVATE_KEY)], [CKA_SIGN, Buffer.of(1)]]),
    new Map([...shared, [CKA_CLASS, ulong(CKO_PUBLIC_KEY)], [CKA_EC_POINT, Buffer.concat([Buffer.of(4, 65), point])]]),
  ];
}

export class FakeCryptoki implements Cryptoki {
  pin = '1234';
  present = true;
  /** Whether a token that came back is seen only after a new C_Initialize. */
  stale = false;
  initialized = false;
  info: TokenInfo = {
    label: 'ca'.padEnd(32),
    manufacturerID: 'Handfast'.padEnd(32),
    model: 'fake'.padEnd(16),
    serialNumber: '0001'.padEnd(16),
    flags: CKF_LOGIN_REQUIRED,
  };
  objects: FakeObject[] = [];
  /** Functions that were called, but for those that only look. */
  readonly calls: string[] = [];
  /** Return values that come in place of an answer, once each. */
  readonly faults: { readonly call: string; readonly answer: string }[] = [];
  /** PINs that were tried. */
  readonly tried: string[] = [];
  loggedIn = false;
  readonly #sessions = new Map<string, { signing: boolean; authenticated: boolean; found: Handle[] }>();
  #lastSession = 0;

  C_Initialize(): void {
    this.#called('C_Initialize');
    if (this.initialized) fail('CKR_CRYPTOKI_ALREADY_INITIALIZED');
    this.initialized = true;
    this.stale = false;
  }

  C_Finalize(): void {
    this.#called('C_Finalize');
    this.initialized = false;
    this.loseSessions();
  }

  C_GetSlotList(): Handle[] {
    return this.present && !this.stale ? [ulong(7)] : [];
  }

  C_GetTokenInfo(): TokenInfo {
    return this.info;
  }

  C_GetMechanismInfo(_slot: Handle, mechanism: number): { readonly flags: number } {
    if (mechanism !== CKM_ECDSA) fail('CKR_MECHANISM_INVALID');
    return { flags: CKF_SIGN };
  }

  C_OpenSession(): Handle {
    this.#called('C_OpenSession');
    const session = ulong(++this.#lastSession);
    this.#sessions.set(session.toString('hex'), { signing: false, authenticated: false, found: [] });
    return session;
  }

  C_CloseSession(session: Handle): void {
    this.#called('C_CloseSession');
    this.#session(session);
    this.#sessions.delete(session.toString('hex'));
    if (this.#sessions.size === 0) this.loggedIn = false;
  }

  C_GetSessionInfo(session: Handle): { readonly state: number } {
    this.#session(session);
    return { state: this.loggedIn ? CKS_RO_USER_FUNCTIONS : 0 };
  }

  C_Login(session: Handle, userType: number, pin: string): void {
    this.#called('C_Login');
    const state = this.#session(session);
    this.tried.push(pin);
    if (pin !== this.pin) fail('CKR_PIN_INCORRECT');
    if (userType === CKU_CONTEXT_SPECIFIC) state.authenticated = true;
    else this.loggedIn = true;
  }

  C_Logout(session: Handle): void {
    this.#called('C_Logout');
    this.#session(session);
    this.loggedIn = false;
  }

  C_FindObjectsInit(session: Handle, template: Attribute[]): void {
    const state = this.#session(session);
    state.found = this.objects.flatMap((object, index) => {
      const hidden = object.get(CKA_CLASS)?.equals(ulong(CKO_PRIVATE_KEY)) === true && !this.loggedIn;
      return !hidden && template.every((wanted) => isEqual(object, wanted)) ? [ulong(index)] : [];
    });
  }

  C_FindObjects(session: Handle, max: number): Handle[] {
    return this.#session(session).found.splice(0, max);
  }

  C_FindObjectsFinal(session: Handle): void {
    this.#session(session);
  }

  C_GetAttributeValue(session: Handle, object: Handle, [wanted]: Attribute[]): Attribute[] {
    this.#session(session);
    const type = wanted?.type ?? 0;
    const value = this.#object(object).get(type);
    if (value === undefined) fail('CKR_ATTRIBUTE_TYPE_INVALID');
    return [{ type, value }];
  }

  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void {
    this.#called('C_SignInit');
    const state = this.#session(session);
    if (state.signing) fail('CKR_OPERATION_ACTIVE');
    if (!this.loggedIn) fail('CKR_USER_NOT_LOGGED_IN');
    if (mechanism.mechanism !== CKM_ECDSA) fail('CKR_MECHANISM_INVALID');
    state.signing = true;
    state.authenticated = this.#object(key).get(CKA_ALWAYS_AUTHENTICATE)?.[0] !== 1;
  }

  /** As if: the bytes that were given. */
  C_Sign(session: Handle, data: Buffer, signature: Buffer): Buffer {
    this.#called('C_Sign');
    const state = this.#session(session);
    state.signing = false;
    if (!state.authenticated) fail('CKR_USER_NOT_LOGGED_IN');
    data.copy(signature);
    return signature;
  }

  loseSessions(): void {
    this.#sessions.clear();
    this.loggedIn = false;
  }

  #session(handle: Handle): { signing: boolean; authenticated: boolean; found: Handle[] } {
    if (!this.initialized) fail('CKR_CRYPTOKI_NOT_INITIALIZED');
    return this.#sessions.get(handle.toString('hex')) ?? fail('CKR_SESSION_HANDLE_INVALID');
  }

  #object(handle: Handle): FakeObject {
    return this.objects[Number(handle.readBigUInt64LE())] ?? fail('CKR_OBJECT_HANDLE_INVALID');
  }

  #called(call: string): void {
    this.calls.push(call);
    const index = this.faults.findIndex((fault) => fault.call === call);
    const [fault] = index < 0 ? [] : this.faults.splice(index, 1);
    if (fault !== undefined) fail(fault.answer);
  }
}

function isEqual(object: FakeObject, { type, value }: Attribute): boolean {
  const wanted = typeof value === 'number' ? ulong(value) : Buffer.from(value as string | Buffer);
  return object.get(type)?.equals(wanted) === true;
}

function fail(answer: string): never {
  throw new Error(`${answer}:1`);
}
