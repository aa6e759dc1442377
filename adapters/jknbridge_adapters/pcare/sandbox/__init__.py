"""The simulated PCare (contracts pcare §19, §22; bpjs-auth §12), as a target of the host's sandbox.

`make_sandbox(clock)` is the factory. Open `target.py` first (a request's path through this package), then `routes.py`
(the endpoint table) and the handler modules beside it: `peserta`, `pendaftaran`, `kunjungan`, `obat`, `layanan`
(tindakan, MCU), `kelompok`, `referensi`. `options.py` holds the switches, `reference.py` the synthetic code tables,
`people.py` the synthetic facilities and participants, `state.py` what it holds. Not for D5, O5, X1 and the 2026
referral gateway: those paths answer 404.
"""

from jknbridge_adapters.pcare.sandbox.target import PcareSandbox, make_sandbox

__all__ = ["PcareSandbox", "make_sandbox"]
