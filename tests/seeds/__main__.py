"""Writes the tables of conformance: the short one into the README, the whole one beside the seeds' tests."""

from tests.seeds.conformance import README, WHOLE, placed, whole

README.write_text(placed(README.read_text(encoding="utf-8")), encoding="utf-8")
WHOLE.write_text(whole(), encoding="utf-8")
