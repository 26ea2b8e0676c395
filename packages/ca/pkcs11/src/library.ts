/**
 * A token's module, in the thread that calls it: sessions, logging in, signing. Calls block, some for seconds.
 *
 * The login belongs to the token and to the whole process, sessions to a key each. What was lost (a token that was pulled out,
 * a restart of a server behind the module) is opened anew when something is signed. PINs are given with a call and not kept.
 *
 * @module
 */

import {
  CKA_ALWAYS_AUTHENTICATE,
  CKF_LOGIN_REQUIRED,
  CKF_OS_LOCKING_OK,
  CKF_PROTECTED_AUTHENTICATION_PATH,
  CKF_SERIAL_SESSION,
  CKF_SIGN,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_LOCKED,
  CKS_RO_USER_FUNCTIONS,
  CKS_RW_USER_FUNCTIONS,
  CKU_CONTEXT_SPECIFIC,
  CKU_USER,
  type Cryptoki,
  type Handle,
  type TokenInfo,
} from './cryptoki.ts';
import { inWords, Pkcs11Error, returnValueOf } from './errors.ts';
import { type SignInput, signMechanisms } from './mechanisms.ts';
import { attribute, bareText, findKey, findToken, type KeyName, keyText, type TokenName, tokenText } from './names.ts';
import { publicAttributes } from './public-attributes.ts';
import type { PublicAttributes } from './public-key.ts';

/** A key, and where it is. */
export interface Target {
  readonly token: TokenName;
  readonly key: KeyName;
}

export interface KeyDescription {
  readonly publicKey: PublicAttributes;
  /** Mechanisms that the token signs with. */
  readonly mechanisms: readonly number[];
}

/** Thrown where a PIN is needed and none was given. */
export class PinNeeded extends Error {
  /** Which token it is for. */
  readonly token: string;

  constructor(token: string) {
    super(`the token ${token} needs its PIN`);
    this.token = token;
  }
}

interface OpenKey {
  readonly slot: Handle;
  readonly info: TokenInfo;
  readonly session: Handle;
  readonly key: Handle;
  /** Each signature needs the PIN. */
  readonly alwaysAuthenticate: boolean;
}

export class Library {
  readonly #cryptoki: Cryptoki;
  /** Whether it was initialized here, so that it may be finalized here. */
  #owned: boolean;
  readonly #keys = new Map<number, OpenKey>();
  /** Slots that we logged in to, and not somebody else in this process. */
  readonly #logins = new Set<string>();

  /** @param owned whether an earlier thread of ours has initialized it */
  constructor(cryptoki: Cryptoki, owned: boolean) {
    this.#cryptoki = cryptoki;
    this.#owned = this.#initialize() || owned;
  }

  get owned(): boolean {
    return this.#owned;
  }

  /**
   * Opens a key under a number of the caller's.
   *
   * @throws PinNeeded, Pkcs11Error
   */
  describe(id: number, target: Target, pin: string | undefined): KeyDescription {
    try {
      const { slot, session, key } = this.#open(id, target, pin);
      return {
        publicKey: publicAttributes(this.#cryptoki, session, key),
        mechanisms: signMechanisms.filter((mechanism) => this.#signsWith(slot, mechanism)),
      };
    } catch (error) {
      this.close(id);
      throw told(error, `open the ${keyText(target.key)} of the ${tokenText(target.token)}`);
    }
  }

  /**
   * The signature as the token makes it.
   *
   * @throws PinNeeded, Pkcs11Error
   */
  sign(id: number, target: Target, input: SignInput, pin: string | undefined): Uint8Array {
    const attempt = (): Uint8Array => this.#sign(this.#keys.get(id) ?? this.#open(id, target, pin), input, pin);
    try {
      try {
        return attempt();
      } catch (error) {
        if (!isLost(error)) throw error;
        this.#forget(id);
      }
      try {
        return attempt();
      } catch (error) {
        if (!isLost(error)) throw error;
        this.#forget(id);
        // Some modules find a token that came back only after a new start, which takes everybody's sessions.
        if (!this.#owned || this.#keys.size > 0) throw error;
      }
      this.#restart();
      return attempt();
    } catch (error) {
      throw told(error, `sign with the ${keyText(target.key)} of the ${tokenText(target.token)}`);
    }
  }

  /** Logs out where no other key of the token is in use. */
  close(id: number): void {
    const closed = this.#keys.get(id);
    if (closed === undefined) return;
    this.#keys.delete(id);
    const slot = closed.slot.toString('hex');
    const shared = [...this.#keys.values()].some((key) => key.slot.equals(closed.slot));
    // Of a token that is gone there is nothing to end.
    if (!shared && this.#logins.delete(slot)) ignoring(() => this.#cryptoki.C_Logout(closed.session));
    ignoring(() => this.#cryptoki.C_CloseSession(closed.session));
  }

  end(): void {
    for (const id of [...this.#keys.keys()]) this.close(id);
    if (this.#owned) ignoring(() => this.#cryptoki.C_Finalize());
    this.#owned = false;
  }

  /** @returns whether it was not initialized before */
  #initialize(): boolean {
    try {
      this.#cryptoki.C_Initialize({ flags: CKF_OS_LOCKING_OK });
      return true;
    } catch (error) {
      if (returnValueOf(error) === 'CKR_CRYPTOKI_ALREADY_INITIALIZED') return false;
      throw inWords(error, 'start the token’s module');
    }
  }

  #restart(): void {
    ignoring(() => this.#cryptoki.C_Finalize());
    this.#logins.clear();
    this.#initialize();
  }

  #open(id: number, { token, key: name }: Target, pin: string | undefined): OpenKey {
    const cryptoki = this.#cryptoki;
    const { slot, info } = findToken(cryptoki, token);
    const session = cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION);
    try {
      this.#logIn(slot, info, session, pin);
      const key = findKey(cryptoki, session, name);
      const always = attribute(cryptoki, session, key, CKA_ALWAYS_AUTHENTICATE);
      const opened = { slot, info, session, key, alwaysAuthenticate: always?.[0] === 1 };
      this.close(id);
      this.#keys.set(id, opened);
      return opened;
    } catch (error) {
      ignoring(() => cryptoki.C_CloseSession(session));
      throw error;
    }
  }

  #logIn(slot: Handle, info: TokenInfo, session: Handle, pin: string | undefined): void {
    if ((info.flags & CKF_LOGIN_REQUIRED) === 0) return;
    const { state } = this.#cryptoki.C_GetSessionInfo(session);
    if (state === CKS_RO_USER_FUNCTIONS || state === CKS_RW_USER_FUNCTIONS) return;
    refuseUnsafeLogin(info);
    if (pin === undefined) throw new PinNeeded(identityOf(info));
    if (this.#tryPin(session, info, CKU_USER, pin)) this.#logins.add(slot.toString('hex'));
  }

  /** Once: in whatever way it fails, that may have cost one of the token's tries. */
  #tryPin(session: Handle, info: TokenInfo, user: number, pin: string): boolean {
    try {
      this.#cryptoki.C_Login(session, user, pin);
      return true;
    } catch (error) {
      if (returnValueOf(error) === 'CKR_USER_ALREADY_LOGGED_IN') return false;
      throw inWords(error, `log in to the token ${labelOf(info)}`);
    }
  }

  #sign({ session, key, info, alwaysAuthenticate }: OpenKey, input: SignInput, pin: string | undefined): Uint8Array {
    const { mechanism, data, signatureLength } = input;
    if (alwaysAuthenticate && pin === undefined) throw new PinNeeded(identityOf(info));
    this.#cryptoki.C_SignInit(session, mechanism, key);
    if (alwaysAuthenticate && pin !== undefined) this.#tryPin(session, info, CKU_CONTEXT_SPECIFIC, pin);
    const room = Buffer.alloc(signatureLength);
    return Uint8Array.from(this.#cryptoki.C_Sign(session, Buffer.from(data), room));
  }

  #signsWith(slot: Handle, mechanism: number): boolean {
    try {
      return (this.#cryptoki.C_GetMechanismInfo(slot, mechanism).flags & CKF_SIGN) !== 0;
    } catch (error) {
      if (returnValueOf(error) === 'CKR_MECHANISM_INVALID') return false;
      throw error;
    }
  }

  /** Its session is of no use any more. */
  #forget(id: number): void {
    const lost = this.#keys.get(id);
    this.#keys.delete(id);
    if (lost !== undefined) ignoring(() => this.#cryptoki.C_CloseSession(lost.session));
  }
}

function told(error: unknown, what: string): Error {
  return error instanceof PinNeeded ? error : inWords(error, what);
}

/** Tokens lock after a few wrong PINs, for good some of them: the last try is people's. */
function refuseUnsafeLogin(info: TokenInfo): void {
  const label = labelOf(info);
  if ((info.flags & CKF_USER_PIN_LOCKED) !== 0) {
    throw new Pkcs11Error('pin', `the PIN of the token ${label} is locked`, {
      hint: 'the token’s security officer can unlock it',
    });
  }
  if ((info.flags & CKF_USER_PIN_FINAL_TRY) !== 0) {
    throw new Pkcs11Error('pin', `one more wrong PIN would lock the token ${label}: it is not tried`, {
      hint: 'log in with the token’s own tools, which brings the tries back, and see that the PIN here is the same',
    });
  }
  if ((info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) !== 0) {
    throw new Pkcs11Error('unsupported', `the token ${label} takes its PIN from a keypad of its own`, {
      hint: 'pkcs11js cannot ask for that: a CA needs a token that takes its PIN from a file',
    });
  }
}

function labelOf({ label }: TokenInfo): string {
  return JSON.stringify(bareText(label));
}

function identityOf({ manufacturerID, model, serialNumber, label }: TokenInfo): string {
  return JSON.stringify([manufacturerID, model, serialNumber, label].map(bareText));
}

/** Whether a new session may help. */
function isLost(error: unknown): boolean {
  // A token that is not found; what the module itself answered was to a login.
  if (error instanceof Pkcs11Error) return error.code === 'token' && error.returnValue === undefined;
  const returnValue = returnValueOf(error);
  return returnValue !== undefined && lostAnswers.has(returnValue);
}

const lostAnswers: ReadonlySet<string> = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_CRYPTOKI_NOT_INITIALIZED',
  'CKR_KEY_HANDLE_INVALID',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_OPERATION_ACTIVE',
  'CKR_SLOT_ID_INVALID',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_TOKEN_NOT_RECOGNIZED',
  'CKR_DEVICE_REMOVED',
  'CKR_DEVICE_ERROR',
  'CKR_GENERAL_ERROR',
  'CKR_FUNCTION_FAILED',
]);

function ignoring(work: () => void): void {
  try {
    work();
  } catch {
    // there was nothing to end
  }
}
