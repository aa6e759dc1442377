"""What every BPJS service shares: signature, encrypted answers, LZ-String, envelope (contract: bpjs-auth).

Pure: nothing here opens a socket, reads a clock or knows one service's paths. Open `envelope.py` first (an HTTP answer
becomes a typed `Envelope`), then `crypto.py` (headers, keys, cipher) and `lzstring.py` (the compression inside the
cipher). `sandbox.py` is the other side of the same contract: what every *simulated* BPJS service checks and answers.
"""
