/**
 * What goes wrong with a token, in words.
 *
 * @module
 */

export type Pkcs11ErrorCode =
  /** Settings that cannot be meant. */
  | 'settings'
  /** `pkcs11js` is not installed, or the token's module does not load. */
  | 'module'
  /** The token is not there, or no more. */
  | 'token'
  /** A PIN that is wrong, locked, or cannot be read. */
  | 'pin'
  /** No such key, several of them, or one that may not sign. */
  | 'key'
  /** A kind of key or of signature that the token, or we, do not have. */
  | 'unsupported'
  /** The token did not do it, or not in time. */
  | 'failed';

export class Pkcs11Error extends Error {
  override readonly name = 'Pkcs11Error';
  readonly code: Pkcs11ErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** What the token's module answered: `CKR_DEVICE_REMOVED`. */
  readonly returnValue: string | undefined;

  constructor(
    code: Pkcs11ErrorCode,
    message: string,
    options: ErrorOptions & { readonly hint?: string | undefined; readonly returnValue?: string | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
    this.returnValue = options.returnValue;
  }
}

/** The return value's name in what `pkcs11js` throws; `undefined` where it threw something else. */
export function returnValueOf(error: unknown): string | undefined {
  return error instanceof Error ? /\bCKR_\w+/.exec(error.message)?.[0] : undefined;
}

/**
 * What a token's module answered, in words.
 *
 * @param what was being done: `sign with key "ca"`
 */
export function inWords(error: unknown, what: string): Pkcs11Error {
  if (error instanceof Pkcs11Error) return error;
  const returnValue = returnValueOf(error);
  if (returnValue === undefined) {
    const reason = error instanceof Error ? error.message : String(error);
    return new Pkcs11Error('failed', `cannot ${what}: ${reason}`, { cause: error });
  }
  const { code, text, hint } = words.get(returnValue) ?? { code: 'failed' as const, text: 'the token refused' };
  return new Pkcs11Error(code, `cannot ${what}: ${text} (${returnValue})`, { cause: error, hint, returnValue });
}

interface Words {
  readonly code: Pkcs11ErrorCode;
  readonly text: string;
  readonly hint?: string;
}

const wrongPin: Words = {
  code: 'pin',
  text: 'the PIN is wrong',
  hint: 'it is not tried again, because tokens lock after a few: put the right one in its place',
};
const removed: Words = { code: 'token', text: 'the token was removed', hint: 'put it back, and sign again' };
const lost: Words = {
  code: 'token',
  text: 'the session with the token was lost',
  hint: 'it is opened anew when something is signed',
};
const device: Words = { code: 'failed', text: 'the token has a fault', hint: 'its own log may say more' };
const mechanism: Words = { code: 'unsupported', text: 'the token makes no such signatures with this key' };

const words: ReadonlyMap<string, Words> = new Map<string, Words>([
  ['CKR_PIN_INCORRECT', wrongPin],
  ['CKR_PIN_INVALID', wrongPin],
  ['CKR_PIN_LEN_RANGE', wrongPin],
  ['CKR_PIN_EXPIRED', { code: 'pin', text: 'the PIN has expired', hint: 'set a new one with the token’s own tools' }],
  ['CKR_PIN_LOCKED', { code: 'pin', text: 'the PIN is locked', hint: 'the token’s security officer can unlock it' }],
  ['CKR_USER_PIN_NOT_INITIALIZED', { code: 'pin', text: 'the token has no user PIN yet' }],
  [
    'CKR_USER_ANOTHER_ALREADY_LOGGED_IN',
    { code: 'pin', text: 'this process is logged in to the token as another user' },
  ],
  ['CKR_DEVICE_REMOVED', removed],
  ['CKR_TOKEN_NOT_PRESENT', removed],
  ['CKR_SLOT_ID_INVALID', removed],
  ['CKR_SESSION_HANDLE_INVALID', lost],
  ['CKR_SESSION_CLOSED', lost],
  ['CKR_USER_NOT_LOGGED_IN', lost],
  ['CKR_CRYPTOKI_NOT_INITIALIZED', lost],
  ['CKR_TOKEN_NOT_RECOGNIZED', { code: 'token', text: 'the token cannot be read: its module does not know it' }],
  ['CKR_SESSION_COUNT', { code: 'token', text: 'the token has no session left', hint: 'end a program that uses it' }],
  ['CKR_DEVICE_ERROR', device],
  ['CKR_DEVICE_MEMORY', device],
  ['CKR_GENERAL_ERROR', device],
  ['CKR_FUNCTION_FAILED', device],
  ['CKR_MECHANISM_INVALID', mechanism],
  ['CKR_MECHANISM_PARAM_INVALID', mechanism],
  ['CKR_KEY_TYPE_INCONSISTENT', mechanism],
  ['CKR_KEY_SIZE_RANGE', mechanism],
  ['CKR_KEY_FUNCTION_NOT_PERMITTED', { code: 'key', text: 'the key may not sign', hint: 'it needs CKA_SIGN' }],
  ['CKR_KEY_HANDLE_INVALID', { code: 'key', text: 'the key is gone from the token' }],
  ['CKR_OBJECT_HANDLE_INVALID', { code: 'key', text: 'the key is gone from the token' }],
]);
