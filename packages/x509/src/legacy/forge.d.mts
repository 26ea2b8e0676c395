/** What we use of node-forge's modules, which come without types of their own. */

interface ForgeBuffer {
  length(): number;
  getBytes(): string;
}

interface ForgeDecipher {
  readonly output: ForgeBuffer;
  start(iv: ForgeBuffer): void;
  update(input: ForgeBuffer): void;
  /** `pad`: takes the place of the removal of padding, and says whether all is well. */
  finish(pad: () => boolean): boolean;
}

declare module 'node-forge/lib/des.js' {
  const des: { createDecryptionCipher(key: ForgeBuffer, mode: 'CBC'): ForgeDecipher };
  export default des;
}

declare module 'node-forge/lib/rc2.js' {
  const rc2: { createDecryptionCipher(key: ForgeBuffer, effectiveKeyBits: number): ForgeDecipher };
  export default rc2;
}

declare module 'node-forge/lib/md5.js' {
  const md5: { create(): { update(binary: string): void; digest(): ForgeBuffer } };
  export default md5;
}

declare module 'node-forge/lib/util.js' {
  const util: { createBuffer(binary: string): ForgeBuffer };
  export default util;
}
