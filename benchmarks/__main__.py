"""``python -m benchmarks``: the figures of ``benchmarks/README.md``, each beside its yardstick in the same run."""

from __future__ import annotations

import json

import click

from benchmarks import delivered, lz


@click.command()
@click.option("--journeys", default=150, show_default=True, help="Journeys per figure (four submissions each)")
@click.option("--json", "as_json", is_flag=True, help="One JSON object")
def main(journeys: int, as_json: bool) -> None:
    """CPU of the bridge per submission and per event, beside bare POSTs; LZ-String beside PyPI's."""
    figures = {"delivered": [delivered.measure(journeys, delay) for delay in (0, 200)], "lz": lz.measure()}
    if as_json:
        click.echo(json.dumps(figures))
        return
    for row in figures["delivered"]:
        click.echo(
            f"answers after {row['delay_ms']:>3} ms: {row['submissions']} submissions, "
            f"{row['submission_ms']:.2f} ms CPU each "
            f"= {row['submission_in_posts']:.1f} bare POSTs of {row['bare_post_ms']:.2f} ms; "
            f"event taken in {row['event_ms']:.3f} ms = {row['event_in_posts']:.2f} POSTs"
        )
    text = figures["lz"]
    click.echo(
        f"LZ-String decode, {text['characters']} characters: {text['ours_us']:.0f} us, "
        f"PyPI lzstring {text['pypi_us']:.0f} us: {text['times_as_fast']:.1f} times as fast"
    )


if __name__ == "__main__":
    main()
