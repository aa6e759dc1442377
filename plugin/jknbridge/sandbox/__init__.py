"""The sandbox: simulated targets that know the truth (DESIGN §8).

The framework only. It listens, misbehaves on request, remembers every request and every effect, and judges the log; it
knows no service. What a service answers comes from a `SandboxTarget`, which each adapter's `sandbox` module makes.
Open `target.py` first (what a target implements), then `server.py` (one request's path), `faults.py` (the kinds of
misbehaviour), `ground_truth.py` (the logs) and `judge.py` (what counts as a double or a blind repeat). `admin.py` is
`/_sandbox/*` on the same port, `options.py` the switches, `rows.py` state that can be read as it was.

Not for production data: targets refuse people outside their synthetic range.
"""
