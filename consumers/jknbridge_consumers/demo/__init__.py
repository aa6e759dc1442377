"""``jknbridge demo``: a clinic's day of invented FHIR journeys, from Kafka to PCare and back as contacts (DESIGN §9).

For whoever wants to see the bridge work before connecting anything: an in-process broker, the sandbox and a real worker
in one process, and at the end a comparison with what the sandbox knows to be true. Not a load test and no place for
real data: every person, number and visit is made up here.

Open ``journeys.py`` first (what happens on that day and what must come of it), then ``runner.py`` (how it is run) and
``compare.py`` (when it fails). ``visit.py`` and ``fhir.py`` build resources, ``forms.py`` wraps them the ways EMRs do,
``config.py`` holds settings, mappings and the trouble that is caused on purpose.
"""
