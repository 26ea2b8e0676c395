"""libcurl as a peer, by PycURL: one JSON task on standard input. Posts each text in turn, with one handle, and so with what
that keeps of connections and sessions; of each, one line of JSON says what came back and how many bytes went out early (below
zero: the server refused them, and they went out again)."""

import io
import json
import sys

import pycurl

LOWEST = {"TLS 1.2": pycurl.SSLVERSION_TLSv1_2, "TLS 1.3": pycurl.SSLVERSION_TLSv1_3}
HIGHEST = {"TLS 1.2": pycurl.SSLVERSION_MAX_TLSv1_2, "TLS 1.3": pycurl.SSLVERSION_MAX_TLSv1_3}


def main():
    if sys.argv[1:] == ["version"]:
        print(pycurl.version)
        return
    task = json.load(sys.stdin)
    url = "https://localhost:%d/" % task["port"]
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.RESOLVE, ["localhost:%d:127.0.0.1" % task["port"]])
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.TIMEOUT, 9)
    curl.setopt(pycurl.FAILONERROR, True)
    curl.setopt(pycurl.HTTPHEADER, ["Expect:"])
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    lowest, highest = task["versions"]
    curl.setopt(pycurl.SSLVERSION, LOWEST[lowest] | HIGHEST[highest])
    if "suites" in task:
        curl.setopt(pycurl.TLS13_CIPHERS, task["suites"])
    if "ciphers" in task:
        curl.setopt(pycurl.SSL_CIPHER_LIST, task["ciphers"])
    curl.setopt(pycurl.SSL_EC_CURVES, task["groups"])
    curl.setopt(pycurl.SSL_ENABLE_ALPN, task["alpn"])
    curl.setopt(pycurl.CAINFO, task["ca"])
    if "cert" in task:
        curl.setopt(pycurl.SSLCERT, task["cert"])
        curl.setopt(pycurl.SSLKEY, task["key"])
    if task["early"]:
        curl.setopt(pycurl.SSL_OPTIONS, pycurl.SSLOPT_EARLYDATA)
    for text in task["texts"]:
        answer = io.BytesIO()
        curl.setopt(pycurl.POSTFIELDS, text)
        curl.setopt(pycurl.WRITEDATA, answer)
        curl.perform()
        early = curl.getinfo(pycurl.EARLYDATA_SENT_T)
        print(json.dumps({"answer": answer.getvalue().decode("latin1"), "early": early}), flush=True)


main()
