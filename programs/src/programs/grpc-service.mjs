/**
 * What the gRPC server offers, as a .proto would say it.
 */
const text = (path, requestStream, responseStream) => ({
  ...{ path, requestStream, responseStream },
  requestSerialize: (value) => Buffer.from(value),
  requestDeserialize: (bytes) => bytes.toString(),
  responseSerialize: (value) => Buffer.from(value),
  responseDeserialize: (bytes) => bytes.toString(),
});

export const service = {
  echo: text('/programs.Texts/Echo', false, false),
  who: text('/programs.Texts/Who', false, false),
  count: text('/programs.Texts/Count', false, true),
  chat: text('/programs.Texts/Chat', true, true),
};
