"""Every row of the rule table that can be decided: a request that it lets pass and requests that it refuses."""

import pytest

from jknbridge_adapters.satusehat.rules import BY_TYPE


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
async def test_every_row_lets_pass_and_refuses(ihs, maker, kind):
    whole = await ihs.post(maker.base(kind))
    assert whole.status in (200, 201), whole.body
    for rule in BY_TYPE[kind]:
        passed = await ihs.post(maker.passing(rule))
        assert passed.status in (200, 201), (rule.number, rule.element, passed.body)
        broken = list(maker.breaking(rule))
        assert broken, rule
        for wrong, body in broken:
            refused = await ihs.post(body)
            assert (refused.status, refused.says(rule.number)) == (400, True), (rule.number, wrong, refused.body)
