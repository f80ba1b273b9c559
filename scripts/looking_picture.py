#!/usr/bin/env python3
"""Draws bench/results/looking.png from the results beside it."""

from __future__ import annotations

import json
from pathlib import Path

from sag_ros.bench.paper.looking import QUESTIONS, answer, draw

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "results"


def main() -> None:
    """Read, pool, draw."""

    def read(name: str) -> dict:
        return dict(json.loads((RESULTS / name).read_text(encoding="utf-8")))

    answers = [answer(question, read) for question in QUESTIONS]
    draw(answers, read("looking_can.json")["need"]["sag_need14"], RESULTS / "looking.png")


if __name__ == "__main__":
    main()
