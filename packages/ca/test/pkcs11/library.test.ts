import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CKA_ALWAYS_AUTHENTICATE,
  CKA_SIGN,
  CKF_LOGIN_REQUIRED,
  CKF_PROTECTED_AUTHENTICATION_PATH,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_LOCKED,
  CKM_ECDSA,
  CKM_EDDSA,
} from '../../pkcs11/src/cryptoki.ts';
import { Library, PinNeeded, type Target } from '../../pkcs11/src/library.ts';
import type { SignInput } from '../../pkcs11/src/mechanisms.ts';
import { ecObjects, FakeCryptoki } from './fake.ts';

const target: Target = { token: { label: 'ca' }, key: { label: 'issuing' } };
const input: SignInput = { mechanism: { mechanism: CKM_ECDSA }, data: Uint8Array.of(1, 2, 3), signatureLength: 3 };

function withKey(): { cryptoki: FakeCryptoki; library: Library } {
  const cryptoki = new FakeCryptoki();
  cryptoki.objects = [...ecObjects('issuing', 1)];
  return { cryptoki, library: new Library(cryptoki, false) };
}

function opened(): { cryptoki: FakeCryptoki; library: Library } {
  const both = withKey();
  both.library.describe(1, target, '1234');
  both.cryptoki.calls.length = 0;
  return both;
}

test('a key is opened by its label, and told with its public half and the mechanisms of its token', () => {
  const { library } = withKey();
  const { publicKey, mechanisms } = library.describe(1, target, '1234');
  assert.equal(publicKey.kind, 'ec');
  assert.deepEqual(mechanisms, [CKM_ECDSA]);
});

test('a PIN is asked for, by the token’s identity, before anything is tried', () => {
  const { cryptoki, library } = withKey();
  assert.throws(() => library.describe(1, target, undefined), {
    constructor: PinNeeded,
    token: '["Handfast","fake","0001","ca"]',
  });
  assert.deepEqual(cryptoki.tried, []);
});

test('a wrong PIN is tried once', () => {
  const { cryptoki, library } = withKey();
  const error = {
    code: 'pin',
    returnValue: 'CKR_PIN_INCORRECT',
    message: 'cannot log in to the token "ca": the PIN is wrong (CKR_PIN_INCORRECT)',
  };
  assert.throws(() => library.sign(1, target, input, '0000'), error);
  assert.deepEqual(cryptoki.tried, ['0000']);
});

test('a login that fails in any other way is not tried again either', () => {
  for (const answer of ['CKR_GENERAL_ERROR', 'CKR_DEVICE_REMOVED', 'CKR_SESSION_CLOSED']) {
    const { cryptoki, library } = withKey();
    cryptoki.faults.push({ call: 'C_Login', answer });
    assert.throws(() => library.sign(1, target, input, '1234'), { returnValue: answer });
    assert.equal(cryptoki.calls.filter((call) => call === 'C_Login').length, 1);
  }
});

test('no PIN is tried at a token that is locked, that would lock, or that has a keypad', () => {
  for (const [flag, code, message] of [
    [CKF_USER_PIN_LOCKED, 'pin', 'the PIN of the token "ca" is locked'],
    [CKF_USER_PIN_FINAL_TRY, 'pin', 'one more wrong PIN would lock the token "ca": it is not tried'],
    [CKF_PROTECTED_AUTHENTICATION_PATH, 'unsupported', 'the token "ca" takes its PIN from a keypad of its own'],
  ] as const) {
    const { cryptoki, library } = withKey();
    cryptoki.info = { ...cryptoki.info, flags: CKF_LOGIN_REQUIRED | flag };
    assert.throws(() => library.describe(1, target, '1234'), { code, message });
    assert.deepEqual(cryptoki.tried, []);
  }
});

test('a signature is made without a second login', () => {
  const { cryptoki, library } = opened();
  assert.deepEqual(library.sign(1, target, input, undefined), Uint8Array.of(1, 2, 3));
  assert.deepEqual(cryptoki.calls, ['C_SignInit', 'C_Sign']);
});

test('a session that was lost is opened anew, and the PIN asked for again', () => {
  const { cryptoki, library } = opened();
  cryptoki.loseSessions();
  assert.throws(() => library.sign(1, target, input, undefined), { constructor: PinNeeded });
  assert.deepEqual(library.sign(1, target, input, '1234'), Uint8Array.of(1, 2, 3));
});

test('a fault of the device ends the session, and the next one signs', () => {
  for (const answer of ['CKR_DEVICE_ERROR', 'CKR_GENERAL_ERROR', 'CKR_OPERATION_ACTIVE', 'CKR_KEY_HANDLE_INVALID']) {
    const { cryptoki, library } = opened();
    cryptoki.faults.push({ call: 'C_SignInit', answer });
    assert.deepEqual(library.sign(1, target, input, '1234'), Uint8Array.of(1, 2, 3));
    assert.equal(cryptoki.calls.includes('C_Finalize'), false);
  }
});

test('a token that its module finds only after a new start is found', () => {
  const { cryptoki, library } = opened();
  cryptoki.loseSessions();
  cryptoki.stale = true;
  assert.deepEqual(library.sign(1, target, input, '1234'), Uint8Array.of(1, 2, 3));
  assert.deepEqual(
    cryptoki.calls.filter((call) => /ize$/.test(call)),
    ['C_Finalize', 'C_Initialize'],
  );
});

test('while another key is in use the module is not started anew', () => {
  const { cryptoki, library } = opened();
  library.describe(2, target, undefined);
  cryptoki.faults.push({ call: 'C_SignInit', answer: 'CKR_DEVICE_ERROR' });
  cryptoki.faults.push({ call: 'C_SignInit', answer: 'CKR_DEVICE_ERROR' });
  assert.throws(() => library.sign(1, target, input, undefined), { returnValue: 'CKR_DEVICE_ERROR' });
  assert.equal(cryptoki.calls.includes('C_Finalize'), false);
  assert.deepEqual(library.sign(2, target, input, undefined), Uint8Array.of(1, 2, 3));
});

test('a token that is gone is told of in words, and signs again when it is back', () => {
  const { cryptoki, library } = opened();
  cryptoki.loseSessions();
  cryptoki.present = false;
  assert.throws(() => library.sign(1, target, input, '1234'), {
    code: 'token',
    message: 'the token labelled "ca" is not there',
    hint: 'there is no token at all',
  });
  cryptoki.present = true;
  assert.deepEqual(library.sign(1, target, input, '1234'), Uint8Array.of(1, 2, 3));
});

test('a mechanism that the token does not have is told of, and nothing is opened anew', () => {
  const { cryptoki, library } = opened();
  const eddsa = { ...input, mechanism: { mechanism: CKM_EDDSA } };
  assert.throws(() => library.sign(1, target, eddsa, undefined), {
    code: 'unsupported',
    message:
      'cannot sign with the private key "issuing" of the token labelled "ca": the token makes no such signatures with this key (CKR_MECHANISM_INVALID)',
  });
  assert.deepEqual(cryptoki.calls, ['C_SignInit']);
});

test('a key that wants its PIN for each signature gets it', () => {
  const { cryptoki, library } = withKey();
  cryptoki.objects[0]?.set(CKA_ALWAYS_AUTHENTICATE, Buffer.of(1));
  library.describe(1, target, '1234');
  assert.throws(() => library.sign(1, target, input, undefined), { constructor: PinNeeded });
  assert.deepEqual(library.sign(1, target, input, '1234'), Uint8Array.of(1, 2, 3));
  assert.throws(() => library.sign(1, target, input, '0000'), { code: 'pin' });
  assert.deepEqual(cryptoki.tried, ['1234', '1234', '0000']);
});

test('the last key that is closed logs out', () => {
  const { cryptoki, library } = opened();
  library.describe(2, target, undefined);
  cryptoki.calls.length = 0;
  library.close(1);
  library.close(2);
  library.end();
  assert.deepEqual(cryptoki.calls, ['C_CloseSession', 'C_Logout', 'C_CloseSession', 'C_Finalize']);
});

test('what somebody else in the process has begun is left to him', () => {
  const cryptoki = new FakeCryptoki();
  cryptoki.objects = [...ecObjects('issuing', 1)];
  cryptoki.initialized = true;
  cryptoki.loggedIn = true;
  const library = new Library(cryptoki, false);
  library.describe(1, target, undefined);
  library.end();
  assert.deepEqual(cryptoki.calls, ['C_Initialize', 'C_OpenSession', 'C_CloseSession']);
});

test('a key that is not there is told of with those that are', () => {
  const { library } = withKey();
  assert.throws(() => library.describe(1, { ...target, key: { label: 'other' } }, '1234'), {
    code: 'key',
    message: 'the token has no private key "other"',
    hint: 'there is "issuing" (id 01)',
  });
});

test('of several keys with a label none is taken, and the id says which', () => {
  const { cryptoki, library } = withKey();
  cryptoki.objects.push(...ecObjects('issuing', 2));
  assert.throws(() => library.describe(1, target, '1234'), {
    code: 'key',
    message: 'the token has more than one private key "issuing" that may sign',
    hint: 'say which by its id: "issuing" (id 01), "issuing" (id 02)',
  });
  const { publicKey } = library.describe(1, { ...target, key: { id: Uint8Array.of(2) } }, '1234');
  assert.equal(publicKey.kind, 'ec');
});

test('a key that may not sign is refused', () => {
  const { cryptoki, library } = withKey();
  cryptoki.objects[0]?.set(CKA_SIGN, Buffer.of(0));
  assert.throws(() => library.describe(1, target, '1234'), {
    code: 'key',
    message: 'the private key "issuing" of the token may not sign',
  });
});

test('a private key without its public half is refused', () => {
  const { cryptoki, library } = withKey();
  cryptoki.objects.pop();
  assert.throws(() => library.describe(1, target, '1234'), {
    code: 'key',
    message: 'the token has no public key to this private key',
  });
});

test('a token is found by all that its name says', () => {
  const { library } = withKey();
  const all = { label: 'ca', manufacturer: 'Handfast', model: 'fake', serial: '0001', slotId: 7 };
  assert.equal(library.describe(1, { ...target, token: all }, '1234').publicKey.kind, 'ec');
  for (const wrong of [{ label: 'c' }, { manufacturer: 'x' }, { model: 'x' }, { serial: '1' }, { slotId: 8 }]) {
    assert.throws(() => library.describe(1, { ...target, token: { ...all, ...wrong } }, '1234'), { code: 'token' });
  }
});
