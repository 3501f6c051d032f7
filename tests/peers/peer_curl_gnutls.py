#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTPS client on the libcurl that is linked to GnuTLS, which is the one that Debian's pycurl
uses: `get=N` gets /N to standard output, `put=N` puts N bytes of standard input. README.md beside
it says what its other words mean."""
import sys

import pycurl

VERSIONS = {
    "1.2": pycurl.SSLVERSION_TLSv1_2 | pycurl.SSLVERSION_MAX_TLSv1_2,
    "1.3": pycurl.SSLVERSION_TLSv1_3,
}


def transfer(words):
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, f"https://localhost:{words['port']}/{words.get('get', 0)}")
    curl.setopt(pycurl.CAINFO, words["ca"])
    curl.setopt(pycurl.SSLVERSION, VERSIONS[words["version"]])
    curl.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)
    curl.setopt(pycurl.NOPROXY, "*")
    curl.setopt(pycurl.FAILONERROR, 1)
    curl.setopt(pycurl.WRITEFUNCTION, sys.stdout.buffer.write)
    curl.setopt(pycurl.VERBOSE, 1)  # names the alert
    curl.setopt(pycurl.DEBUGFUNCTION, lambda kind, text: kind == pycurl.INFOTYPE_TEXT and
                sys.stderr.write(text.decode()))
    if "cert" in words:
        curl.setopt(pycurl.SSLCERT, words["cert"])
        curl.setopt(pycurl.SSLKEY, words["key"])
    if "put" in words:
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.INFILESIZE_LARGE, int(words["put"]))
        curl.setopt(pycurl.READFUNCTION, sys.stdin.buffer.read)
        curl.setopt(pycurl.HTTPHEADER, ["Expect:"])
    curl.perform()
    curl.close()


def main():
    if "GnuTLS" not in pycurl.version:
        print(f"peer: no GnuTLS in {pycurl.version}", file=sys.stderr)
        return 2
    try:
        transfer(dict(word.split("=", 1) for word in sys.argv[1:]))
    except pycurl.error as error:
        print(f"peer: {error.args[1]}", file=sys.stderr)
        return 1
    sys.stdout.flush()
    return 0


sys.exit(main())
