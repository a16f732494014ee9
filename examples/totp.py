#!/usr/bin/env python3
"""What an authenticator app shows for a secret, to try second factors without a phone (RFC 6238).

usage: examples/totp.py SECRET [NEXT]     NEXT: 1 for the code after the present one, which Ipse takes half a minute early
"""

import base64
import hmac
import struct
import sys
import time

secret, ahead = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
step = int(time.time()) // 30 + ahead
digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
[number] = struct.unpack_from(">I", digest, digest[-1] & 0xF)
print(f"{(number & 0x7FFFFFFF) % 1_000_000:06}")
